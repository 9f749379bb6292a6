/* flame_test.c - trees of stacks: what begins alike, what is left out, and that no total is wrong.
 */
/* SPDX-License-Identifier: MIT */
#include "samples.h"

#include "base/clock.h"
#include "profile/flame.h"

enum { HEAD_MS = 1000, LENGTH_MS = 2500 };

static struct pprof_query query_of(enum sample_type type)
{
    return (struct pprof_query){
        .type = type, .time_ns = HEAD_MS * NS_PER_MS, .duration_ns = LENGTH_MS * NS_PER_MS};
}

/* Of all that is in the table. */
static void encode(const struct pprof_query *query, struct buf *body)
{
    struct buf values = {0};

    for (size_t i = 0; i < table_entries(&table); i++)
        buf_put(&values, &table_entry(&table, i)->amount.value, sizeof(uint64_t));
    flame_encode(&table, query, &values, 3, body);
    buf_fini(&values);
}

static void add_to(const char *function, enum sample_start start, const char *frames,
                   uint64_t value)
{
    struct sample s = sample_of(function, frames);

    s.start = start;
    s.value = value;
    table_add(&table, &s);
}

static void expect_end(const struct pprof_query *query, const char *end)
{
    struct buf body = {0};
    const char *from;

    encode(query, &body);
    buf_put(&body, "", 1);
    from = strstr(body.at, "\"total\"");
    assert_non_null(from);
    assert_string_equal(from, end);
    buf_fini(&body);
}

static void nothing_is_a_root_alone(void **state)
{
    struct pprof_query query = query_of(SAMPLE_CPU);
    struct buf body = {0};

    (void)state;
    encode(&query, &body);
    expect_str(buf_str(&body),
               STR("{\"type\":\"cpu\",\"unit\":\"nanoseconds\",\"from\":1000,\"to\":3500,"
                   "\"seconds\":2.500,\"calls\":3,\"total\":0,\"frames\":[\"all\"],"
                   "\"root\":[0,0,[]]}"));
    buf_fini(&body);
}

static void each_type_has_its_word_and_unit(void **state)
{
    static const char *const heads[SAMPLE_TYPES] = {
        [SAMPLE_CPU] = "{\"type\":\"cpu\",\"unit\":\"nanoseconds\",",
        [SAMPLE_WALL] = "{\"type\":\"wall\",\"unit\":\"nanoseconds\",",
        [SAMPLE_ALLOC] = "{\"type\":\"alloc\",\"unit\":\"bytes\",",
        [SAMPLE_MUTEX] = "{\"type\":\"mutex\",\"unit\":\"nanoseconds\","};

    (void)state;
    for (int i = 0; i < SAMPLE_TYPES; i++) {
        struct pprof_query query = query_of((enum sample_type)i);
        struct buf body = {0};

        encode(&query, &body);
        assert_true(str_starts(buf_str(&body), str_of(heads[i])));
        buf_fini(&body);
    }
    assert_null(flame_types[SAMPLE_TYPES]);
}

static void what_begins_alike_is_one_node(void **state)
{
    struct pprof_query query = query_of(SAMPLE_CPU);

    (void)state;
    add_to("f", START_COLD, "a\nb\n", 1);
    add_to("f", START_COLD, "a\nb\nc\n", 10);
    add_to("f", START_COLD, "a\nb\n", 100);
    add_to("f", START_COLD, "b\na\n", 1000);
    expect_end(&query, "\"total\":1111,\"frames\":[\"all\",\"b\",\"a\",\"c\"],"
                       "\"root\":[0,0,[[1,0,[[2,1000,[]]]],[2,0,[[1,101,[[3,10,[]]]]]]]]}");
}

static void frames_of_one_name_are_one_whatever_their_line(void **state)
{
    struct pprof_query query = query_of(SAMPLE_CPU);

    (void)state;
    add_to("f", START_COLD, "a\tx.lua\t1\n", 1);
    add_to("f", START_COLD, "a\tx.lua\t2\n", 2);
    expect_end(&query, "\"total\":3,\"frames\":[\"all\",\"a\"],\"root\":[0,0,[[1,3,[]]]]}");
}

static void names_are_json_texts(void **state)
{
    struct pprof_query query = query_of(SAMPLE_CPU);

    (void)state;
    add_to("f", START_COLD, "\"\\<\xC3\xA4\n", 1);
    expect_end(&query, "\"total\":1,\"frames\":[\"all\",\"\\\"\\\\<\xC3\xA4\"],"
                       "\"root\":[0,0,[[1,1,[]]]]}");
}

static void only_what_is_asked_for_is_in_it(void **state)
{
    static const struct {
        enum sample_type type;
        const char *function;
        enum sample_start start;
        uint64_t total;
    } cases[] = {
        {SAMPLE_CPU, "", START_NONE, 1111}, {SAMPLE_CPU, "f", START_NONE, 11},
        {SAMPLE_CPU, "f", START_COLD, 1},   {SAMPLE_CPU, "", START_COLD, 101},
        {SAMPLE_CPU, "g", START_WARM, 0},   {SAMPLE_CPU, "none", START_NONE, 0},
        {SAMPLE_WALL, "", START_NONE, 0},
    };

    (void)state;
    add_to("f", START_COLD, "a\n", 1);
    add_to("f", START_WARM, "a\n", 10);
    add_to("g", START_COLD, "a\n", 100);
    add_to("", START_NONE, "front\n", 1000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pprof_query query = query_of(cases[i].type);
        struct buf body = {0};
        char total[32];

        query.function = str_of(cases[i].function);
        query.start = cases[i].start;
        encode(&query, &body);
        buf_put(&body, "", 1);
        snprintf(total, sizeof(total), "\"total\":%llu,", (unsigned long long)cases[i].total);
        expect_contains(body.at, total);
        buf_fini(&body);
    }
}

/* -- Bounds -------------------------------------------------------------------------------------
 */

struct tree {
    size_t nodes, others;
    uint64_t total, sum, other;
};

/* Of "[index,self,[" each. */
static struct tree read_tree(void)
{
    struct pprof_query query = query_of(SAMPLE_CPU);
    struct buf body = {0};
    struct tree tree = {0};
    unsigned other = 0;

    encode(&query, &body);
    buf_put(&body, "", 1);
    tree.total = strtoull(strstr(body.at, "\"total\":") + 8, NULL, 10);
    const char *name = strstr(body.at, "\"frames\":"), *root = strstr(body.at, "\"root\":");
    const char *of_other = strstr(name, "\"[other]\"");
    for (; of_other && name < of_other; name++)
        other += *name == ',';
    for (const char *at = strchr(root, '['); at; at = strchr(at + 1, '[')) {
        char *end;
        unsigned long frame = strtoul(at + 1, &end, 10);

        if (*end != ',')
            continue;
        uint64_t self = strtoull(end + 1, NULL, 10);
        tree.nodes++;
        tree.sum += self;
        tree.others += other && frame == other;
        tree.other += other && frame == other ? self : 0;
    }
    buf_fini(&body);
    return tree;
}

/* So many children of the root: values 1, 2 and so on. */
static void add_children(size_t count)
{
    char frames[16];

    for (size_t i = 1; i <= count; i++) {
        snprintf(frames, sizeof(frames), "f%zu\n", i);
        add_to("f", START_COLD, frames, i);
    }
}

static void as_many_nodes_as_may_be_are_all_there(void **state)
{
    enum { CHILDREN = FLAME_NODES_MAX - 1 };

    (void)state;
    add_children(CHILDREN);
    struct tree tree = read_tree();
    assert_int_equal(tree.nodes, FLAME_NODES_MAX);
    assert_int_equal(tree.others, 0);
    assert_int_equal(tree.total, (uint64_t)CHILDREN * (CHILDREN + 1) / 2);
    assert_int_equal(tree.sum, tree.total);
}

static void small_nodes_past_the_bound_are_merged(void **state)
{
    enum { CHILDREN = FLAME_NODES_MAX, LEFT_OUT = CHILDREN - (FLAME_NODES_MAX / 2 - 1) };

    (void)state;
    add_children(CHILDREN);
    struct tree tree = read_tree();
    assert_int_equal(tree.nodes, FLAME_NODES_MAX / 2 + 1);
    assert_int_equal(tree.others, 1);
    assert_int_equal(tree.other, (uint64_t)LEFT_OUT * (LEFT_OUT + 1) / 2);
    assert_int_equal(tree.total, (uint64_t)CHILDREN * (CHILDREN + 1) / 2);
    assert_int_equal(tree.sum, tree.total);
}

static void what_is_merged_joins_what_was_before(void **state)
{
    (void)state;
    add_children(FLAME_NODES_MAX);
    add_to("f", START_COLD, "[other]\n", 1000000);
    struct tree tree = read_tree();
    assert_int_equal(tree.others, 1);
    assert_true(tree.other > 1000000);
    assert_int_equal(tree.sum, tree.total);
}

static void each_node_has_its_own_that_are_left_out(void **state)
{
    char frames[32];

    (void)state;
    for (size_t i = 0; i < 8100; i++) {
        snprintf(frames, sizeof(frames), "f%zu\ng\n", i);
        add_to("f", START_COLD, frames, 2 + i % 3);
    }
    struct tree tree = read_tree();
    assert_in_range(tree.nodes, FLAME_NODES_MAX / 2 + 1, FLAME_NODES_MAX);
    assert_true(tree.others > 1);
    assert_int_equal(tree.sum, tree.total);
}

static void deep_stacks_past_what_is_built_are_counted(void **state)
{
    enum { STACKS = 1200, DEPTH = 64 };
    struct buf frames = {0};

    (void)state;
    for (size_t i = 0; i < STACKS; i++) {
        buf_clear(&frames);
        buf_format(&frames, "s%zu\n", i);
        for (size_t j = 1; j < DEPTH; j++)
            buf_format(&frames, "f%zu\n", j);
        buf_put(&frames, "", 1);
        add_to("f", START_COLD, frames.at, 7);
    }
    buf_fini(&frames);
    add_to("f", START_COLD, "late\n", 1000000);
    struct tree tree = read_tree();
    assert_int_equal(tree.total, STACKS * 7 + 1000000);
    assert_true(tree.other > 1000000);
    assert_int_equal(tree.sum, tree.total);
    assert_true(tree.nodes <= FLAME_NODES_MAX);
    assert_true(tree.others > 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_a_root_alone),
        TEST(each_type_has_its_word_and_unit),
        TEST(what_begins_alike_is_one_node),
        TEST(frames_of_one_name_are_one_whatever_their_line),
        TEST(names_are_json_texts),
        TEST(only_what_is_asked_for_is_in_it),
        TEST(as_many_nodes_as_may_be_are_all_there),
        TEST(small_nodes_past_the_bound_are_merged),
        TEST(what_is_merged_joins_what_was_before),
        TEST(each_node_has_its_own_that_are_left_out),
        TEST(deep_stacks_past_what_is_built_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
