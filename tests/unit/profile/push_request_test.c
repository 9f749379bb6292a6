/* push_request_test.c - requests to Pyroscope, read back. */
/* SPDX-License-Identifier: MIT */
#include "profile/push_request.h"

#include "decode.h"
#include "refuse.h"

#include "push.pb-c.h"

static const char *const names[SAMPLE_TYPES] = {"process_cpu", "wall", "memory", "mutex"};

static void expect_pair(const Push__V1__RawProfileSeries *s, size_t number, const char *name,
                        const char *value)
{
    assert_in_range(number, 0, s->n_labels - 1);
    assert_string_equal(s->labels[number]->name, name);
    assert_string_equal(s->labels[number]->value, value);
}

/* Version 4, as "xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx". */
static void expect_uuid(const char *id)
{
    assert_int_equal(strlen(id), 36);
    for (int i = 0; i < 36; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(id[i], '-');
        else
            assert_non_null(strchr("0123456789abcdef", id[i]));
    assert_int_equal(id[14], '4');
    assert_non_null(strchr("89ab", id[19]));
}

static Push__V1__PushRequest *encode(const struct delta *deltas, size_t count,
                                     const struct labels *labels)
{
    struct buf body = {0}, plain = {0};
    struct err err = {0};

    if (!push_request_encode(deltas, count, "service", labels, &body, &err))
        fail_msg("%s", err.text);
    unzip(buf_str(&body), &plain);
    Push__V1__PushRequest *r =
        push__v1__push_request__unpack(NULL, plain.len, (const uint8_t *)plain.at);
    assert_non_null(r);
    buf_fini(&body);
    buf_fini(&plain);
    return r;
}

static void each_profile_is_a_series_with_all_labels(void **state)
{
    struct labels labels;
    struct delta deltas[SAMPLE_TYPES] = {0};
    struct err err;

    (void)state;
    assert_true(labels_parse(&labels, "", STR("env=prod, zone=a b"), &err));
    for (enum sample_type i = 0; i < SAMPLE_TYPES; i++) {
        deltas[i].type = i;
        buf_put(&deltas[i].body, "\0bytes", 6);
        buf_format(&deltas[i].body, "%d", (int)i);
    }
    Push__V1__PushRequest *r = encode(deltas, SAMPLE_TYPES, &labels);
    assert_int_equal(r->n_series, SAMPLE_TYPES);
    for (size_t i = 0; i < SAMPLE_TYPES; i++) {
        const Push__V1__RawProfileSeries *s = r->series[i];

        assert_int_equal(s->n_labels, 5);
        expect_pair(s, 0, "__name__", names[i]);
        expect_pair(s, 1, "service_name", "service");
        expect_pair(s, 2, "__delta__", "false");
        expect_pair(s, 3, "env", "prod");
        expect_pair(s, 4, "zone", "a b");
        assert_int_equal(s->n_samples, 1);
        assert_int_equal(s->samples[0]->raw_profile.len, deltas[i].body.len);
        assert_memory_equal(s->samples[0]->raw_profile.data, deltas[i].body.at, deltas[i].body.len);
        expect_uuid(s->samples[0]->id);
        assert_true(i == 0 || strcmp(s->samples[0]->id, r->series[0]->samples[0]->id) != 0);
        buf_fini(&deltas[i].body);
    }
    push__v1__push_request__free_unpacked(r, NULL);
}

static void large_profiles_arrive_whole(void **state)
{
    enum { BYTES = 3 << 20 };
    const struct labels labels = {.count = 0};
    struct delta deltas[SAMPLE_TYPES] = {0};
    struct dice dice = {1};

    (void)state;
    for (enum sample_type i = 0; i < SAMPLE_TYPES; i++) {
        deltas[i].type = i;
        for (char *at = buf_extend(&deltas[i].body, BYTES), *last = at + BYTES; at < last; at++)
            *at = (char)dice_next(&dice);
    }
    Push__V1__PushRequest *r = encode(deltas, SAMPLE_TYPES, &labels);
    for (size_t i = 0; i < SAMPLE_TYPES; i++) {
        assert_int_equal(r->series[i]->samples[0]->raw_profile.len, BYTES);
        assert_memory_equal(r->series[i]->samples[0]->raw_profile.data, deltas[i].body.at, BYTES);
        buf_fini(&deltas[i].body);
    }
    push__v1__push_request__free_unpacked(r, NULL);
}

static void the_most_labels_find_room(void **state)
{
    static const char text[] = "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=z";
    const struct delta delta = {.type = SAMPLE_WALL};
    struct labels labels;
    struct err err;

    (void)state;
    assert_true(labels_parse(&labels, "", str_of(text), &err));
    assert_int_equal(labels.count, LABELS_MAX);
    Push__V1__PushRequest *r = encode(&delta, 1, &labels);
    assert_int_equal(r->n_series, 1);
    assert_int_equal(r->series[0]->n_labels, LABELS_MAX + 3);
    expect_pair(r->series[0], 0, "__name__", "wall");
    expect_pair(r->series[0], LABELS_MAX + 2, "p", "z");
    push__v1__push_request__free_unpacked(r, NULL);
}

static void a_request_that_cannot_be_compressed_is_an_error(void **state)
{
    const struct delta delta = {.type = SAMPLE_WALL};
    const struct labels labels = {.count = 0};
    struct buf body = {0};
    struct err err = {0};

    (void)state;
    refuse = true;
    bool ok = push_request_encode(&delta, 1, "service", &labels, &body, &err);
    refuse = false;
    assert_false(ok);
    assert_int_equal(err.code, ERR_INTERNAL);
    assert_int_equal(body.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_profile_is_a_series_with_all_labels),
        cmocka_unit_test(large_profiles_arrive_whole),
        cmocka_unit_test(the_most_labels_find_room),
        cmocka_unit_test(a_request_that_cannot_be_compressed_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
