/* collector_test.c - samples through rings into profiles; windows; the end. */
/* SPDX-License-Identifier: MIT */
#include "collector_fixture.h"

#include <pthread.h>
#include <sched.h>

/* The window is open when this returns, for what is asked later is answered later. */
static void ask(struct question *q, unsigned seconds)
{
    question_init(q, seconds, "");
    assert_true(collector_ask(collector, &q->request));
    cumulative("");
}

static void samples_of_all_workers_are_added_up(void **state)
{
    (void)state;
    assert_int_equal(cumulative(""), 0);
    put(0, "f", 1);
    put(0, "g", 10);
    put(1, "f", 100);
    assert_int_equal(cumulative(""), 111);
    put(1, "g", 1000);
    assert_int_equal(cumulative("f"), 101);
    assert_int_equal(cumulative("g"), 1010);
    struct collector_figures figures;
    collector_figures(collector, &figures);
    assert_int_equal(figures.stacks, 2);
    assert_int_equal(figures.samples, 4);
    assert_int_equal(figures.folded, 0);
    assert_int_equal(figures.corrupt, 0);
    assert_in_range(figures.bytes, 1000, 100000);
}

static void rings_are_drained_while_anything_is_sampled(void **state)
{
    enum { SAMPLES = 5000 };
    struct sampling *sampling = &board.channels[1].state->sampling;
    struct collector_figures figures;

    (void)state;
    atomic_store(&sampling->lock_ns, 1000);
    for (int i = 0; i < SAMPLES; i++) {
        const struct sample s = usual("f", 1);

        while (!sample_write(&writers[1], &s)) /* full: more than a ring holds */
            sched_yield();
    }
    do {
        sched_yield();
        collector_figures(collector, &figures);
    } while (figures.samples < SAMPLES);
    assert_int_equal(cumulative(""), SAMPLES);
}

static void windows_overlap(void **state)
{
    struct question first, second;

    (void)state;
    put(0, "f", 1);
    ask(&first, HOUR_S);
    put(0, "f", 10);
    ask(&second, HOUR_S);
    put(1, "f", 100);
    put(1, "g", 1000);
    assert_int_equal(cumulative(""), 1111);
    collector_stop(collector);
    assert_int_equal(answer_of(&first), 1110);
    assert_int_equal(answer_of(&second), 1100);
    collector = NULL;
}

static void a_window_ends_by_itself(void **state)
{
    struct question q;

    (void)state;
    put(0, "f", 1);
    cumulative("");
    ask(&q, 1);
    put(0, "f", 10);
    assert_int_equal(answer_of(&q), 10);
}

static void sixteen_may_wait_and_the_end_answers_them(void **state)
{
    static struct question questions[COLLECTOR_REQUESTS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < COUNT(questions); i++) {
        question_init(&questions[i], HOUR_S, "");
        assert_int_equal(collector_ask(collector, &questions[i].request),
                         i < COLLECTOR_REQUESTS_MAX);
    }
    collector_stop(collector);
    collector = NULL;
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++)
        assert_int_equal(answer_of(&questions[i]), 0);
    sem_destroy(&questions[COLLECTOR_REQUESTS_MAX].done);
}

static void expect_cancelled(struct question *q)
{
    while (sem_wait(&q->done) != 0)
        assert_int_equal(errno, EINTR);
    sem_destroy(&q->done);
    assert_int_equal(q->err.code, ERR_CANCELLED);
    assert_int_equal(q->body.len, 0);
}

/* Has the thread seen it already? That is up to chance. */
static void one_that_is_cancelled_leaves_its_place_at_once(void **state)
{
    const size_t turns = 100;
    static struct question questions[COLLECTOR_REQUESTS_MAX];
    struct question last;

    (void)state;
    for (size_t turn = 0; turn < turns; turn++) {
        for (size_t i = 0; i < COUNT(questions); i++) {
            question_init(&questions[i], HOUR_S, "");
            assert_true(collector_ask(collector, &questions[i].request));
        }
        question_init(&last, HOUR_S, "");
        assert_false(collector_ask(collector, &last.request));
        collector_cancel(collector, &questions[turn % COUNT(questions)].request);
        assert_true(collector_ask(collector, &last.request));
        collector_cancel(collector, &last.request);
        for (size_t i = 0; i < COUNT(questions); i++)
            if (i != turn % COUNT(questions))
                collector_cancel(collector, &questions[i].request);
        for (size_t i = 0; i < COUNT(questions); i++)
            expect_cancelled(&questions[i]);
        expect_cancelled(&last);
    }
    put(0, "f", 3);
    assert_int_equal(cumulative(""), 3);
}

static void cancelling_what_is_answered_changes_nothing(void **state)
{
    static struct question questions[COLLECTOR_REQUESTS_MAX + 1];
    struct question first;

    (void)state;
    question_init(&first, 0, "");
    assert_true(collector_ask(collector, &first.request));
    answer_of(&first);
    collector_cancel(collector, &first.request);
    for (size_t i = 0; i < COUNT(questions); i++) {
        question_init(&questions[i], HOUR_S, "");
        assert_int_equal(collector_ask(collector, &questions[i].request),
                         i < COLLECTOR_REQUESTS_MAX);
    }
    collector_stop(collector);
    collector = NULL;
    for (size_t i = 0; i < COLLECTOR_REQUESTS_MAX; i++)
        answer_of(&questions[i]);
}

static void an_answer_may_ask_again(void **state)
{
    struct question first, second;

    (void)state;
    put(0, "f", 5);
    question_init(&first, 0, "");
    question_init(&second, 0, "");
    first.another = &second;
    assert_true(collector_ask(collector, &first.request));
    assert_int_equal(answer_of(&first), 5);
    assert_int_equal(answer_of(&second), 5);
}

static void expect_flame(const char *function, const char *part)
{
    struct question q;

    question_init(&q, HOUR_S, function);
    q.request.is_flame = true;
    assert_true(collector_ask(collector, &q.request));
    while (sem_wait(&q.done) != 0)
        assert_int_equal(errno, EINTR);
    sem_destroy(&q.done);
    assert_int_equal(q.err.code, ERR_NONE);
    buf_put(&q.body, "", 1);
    assert_true(str_starts(buf_str(&q.body), STR("{\"type\":\"mutex\",")));
    expect_contains(q.body.at, part);
    buf_fini(&q.body);
}

static void a_flame_graph_is_of_what_is_there_already(void **state)
{
    struct call_tally *tally = tallies_of(collector_tallies(collector), STR("f"));

    (void)state;
    expect_flame("", "\"calls\":0,\"total\":0,\"frames\":[\"all\"],\"root\":[0,0,[]]}");
    put(0, "f", 1);
    put(1, "g", 10);
    tallies_count(tally, START_WARM);
    expect_flame("",
                 "\"calls\":1,\"total\":11,\"frames\":[\"all\",\"worker\",\"run\",\"[a lock]\"],"
                 "\"root\":[0,0,[[1,0,[[2,0,[[3,11,[]]]]]]]]}");
    expect_flame("f", "\"calls\":1,\"total\":1,");
    expect_flame("g", "\"calls\":0,\"total\":10,");
}

static void calls_are_counted_while_graphs_are_made(void **state)
{
    struct call_tally *tally = tallies_of(collector_tallies(collector), STR("f"));

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct question q;

        question_init(&q, HOUR_S, "");
        q.request.is_flame = true;
        assert_true(collector_ask(collector, &q.request));
        for (int j = 0; j < 10; j++)
            tallies_count(tally, START_COLD);
        tallies_of(collector_tallies(collector), i % 2 ? STR("g") : STR("h"));
        while (sem_wait(&q.done) != 0)
            assert_int_equal(errno, EINTR);
        sem_destroy(&q.done);
        buf_fini(&q.body);
    }
    expect_flame("f", "\"calls\":1000,");
}

static void only_the_profilers_signal_reaches_the_thread(void **state)
{
    struct question q;

    (void)state;
    question_init(&q, 0, "");
    assert_true(collector_ask(collector, &q.request));
    answer_of(&q);
    assert_int_equal(sigismember(&q.blocked, SIGPROF), 0);
    assert_int_equal(sigismember(&q.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&q.blocked, SIGCHLD), 1);
    sigset_t mine;
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGTERM), 0);
}

/* All CPU samples until now, as text, into `text`. */
static void put_ticks(struct buf *text)
{
    struct buf one = {0};
    struct question q;

    question_init(&q, 0, "");
    q.request.type = SAMPLE_CPU;
    assert_true(collector_ask(collector, &q.request));
    while (sem_wait(&q.done) != 0)
        assert_int_equal(errno, EINTR);
    sem_destroy(&q.done);
    struct decoded d = decode(buf_str(&q.body));
    buf_clear(text);
    for (size_t i = 0; i < d.profile->n_sample; i++) {
        decoded_sample(&d, i, &one);
        buf_format(text, "%s\n", one.at);
    }
    buf_put(text, "", 1);
    decoded_fini(&d);
    buf_fini(&q.body);
    buf_fini(&one);
}

static void the_collectors_own_time_is_sampled(void **state)
{
    struct buf text = {0};

    (void)state;
    atomic_store(&board.own[SOURCE_COLLECTOR].sampling->cpu_hz, 1000);
    do
        put_ticks(&text);
    while (!strstr(text.at, ";collector;front "));
    buf_fini(&text);
}

static void the_next_collector_goes_on_in_the_ring(void **state)
{
    (void)state;
    put(0, "f", 1);
    assert_int_equal(cumulative(""), 1);
    collector_stop(collector);
    put(0, "f", 10);
    collector = start();
    assert_int_equal(cumulative(""), 10);
}

/* -- Failure ------------------------------------------------------------------------------------
 */

static bool refuse;

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    return refuse ? EAGAIN : __real_pthread_create(t, a, f, arg);
}

static void without_a_thread_there_is_no_collector(void **state)
{
    struct err err = {0};

    (void)state;
    refuse = true;
    struct collector *none = collector_start(&board, NULL, 0, &err);
    refuse = false;
    assert_null(none);
    assert_int_equal(err.code, ERR_INTERNAL);
    collector_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(samples_of_all_workers_are_added_up),
        TEST(rings_are_drained_while_anything_is_sampled),
        TEST(windows_overlap),
        TEST(a_window_ends_by_itself),
        TEST(sixteen_may_wait_and_the_end_answers_them),
        TEST(one_that_is_cancelled_leaves_its_place_at_once),
        TEST(cancelling_what_is_answered_changes_nothing),
        TEST(an_answer_may_ask_again),
        TEST(a_flame_graph_is_of_what_is_there_already),
        TEST(calls_are_counted_while_graphs_are_made),
        TEST(only_the_profilers_signal_reaches_the_thread),
        TEST(the_collectors_own_time_is_sampled),
        TEST(the_next_collector_goes_on_in_the_ring),
        TEST(without_a_thread_there_is_no_collector),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
