/* SPDX-License-Identifier: BSD-3-Clause */
/* Alerts of connections: what is told, of whom, and when, from given counters at given times. */
#include "alerts_scene.h"

/* So many packets for so long, then none. */
static void send_then_stop(struct scene *scene, uint32_t id, unsigned int seconds)
{
	scene->rate[id] = 100;
	scene_pass(scene, seconds);
	scene->rate[id] = 0;
}

static void a_connection_that_falls_silent_is_told_once(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN));

	(void)state;
	scene_pass(scene, HOUR_S);
	send_then_stop(scene, 1, HOUR_S + 2 * LOOK_S);
	scene_pass(scene, SILENT_S - LOOK_S);
	assert_heard(scene, "");
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "+ConnectionSilent(a)600 ");
	scene_pass(scene, HOUR_S);
	assert_heard(scene, "");
	scene->rate[1] = 1;
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "-ConnectionSilent(a)0 ");
	scene_free(scene);
}

static void who_did_not_opt_in_is_never_told_of(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN BACKUP) LINE("b", BACKUP));

	(void)state;
	scene->rate[1] = scene->rate[2] = 100;
	scene_pass(scene, 2 * HOUR_S);
	scene->rate[1] = scene->rate[2] = 0;
	scene_pass(scene, HOUR_S);
	alerts_latency(scene->alerts, scene->view->by_id[1], 10);
	assert_heard(scene, "+ConnectionAtBackupSite(a)10 -ConnectionAtBackupSite(a)0 "
			    "+ConnectionSilent(a)600 ");
	scene_free(scene);
}

static void silence_is_news_only_after_steady_packets(void **state)
{
	struct scene *scene = scene_new(LINE("never", OPTED_IN) LINE("short", OPTED_IN)
						LINE("sparse", OPTED_IN) LINE("gaps", OPTED_IN));

	(void)state;
	scene_pass(scene, MINUTE_S);
	send_then_stop(scene, 2, HOUR_S - 2 * LOOK_S);
	scene_pass(scene, HOUR_S);
	for (int i = 0; i < 10; i++) {
		scene->rate[3] = scene->rate[4] = 1;
		scene_pass(scene, LOOK_S);
		scene->rate[3] = scene->rate[4] = 0;
		scene_pass(scene, SILENT_S - 2 * LOOK_S);
		scene->rate[3] = 1;
		scene_pass(scene, LOOK_S);
		scene->rate[3] = 0;
		scene_pass(scene, LOOK_S);
	}
	assert_heard(scene, "");
	scene_pass(scene, 2 * SILENT_S);
	assert_heard(scene, "+ConnectionSilent(sparse)600 ");
	scene_free(scene);
}

static void nobody_is_silent_where_the_edge_receives_nothing(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN));

	(void)state;
	send_then_stop(scene, 1, 2 * HOUR_S);
	scene->stray = 0;
	scene_pass(scene, HOUR_S);
	assert_heard(scene, "");
	scene->stray = 1;
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "+ConnectionSilent(a)3610 ");
	scene_free(scene);
}

static void a_silence_of_a_day_is_sleep(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN));

	(void)state;
	send_then_stop(scene, 1, 2 * HOUR_S);
	scene_pass(scene, 23 * HOUR_S);
	assert_heard(scene, "+ConnectionSilent(a)600 ");
	scene_pass(scene, HOUR_S);
	assert_heard(scene, "-ConnectionSilent(a)0 ");
	scene_pass(scene, 48 * HOUR_S);
	assert_heard(scene, "");
	scene_free(scene);
}

static void a_counter_that_began_anew_is_no_traffic(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN));

	(void)state;
	send_then_stop(scene, 1, 2 * HOUR_S);
	scene_pass(scene, SILENT_S / 2);
	scene->received[1] = 0;
	scene_pass(scene, SILENT_S / 2);
	assert_heard(scene, "+ConnectionSilent(a)600 ");
	scene_free(scene);
}

static void traffic_at_the_backup_site_is_told_above_a_floor(void **state)
{
	struct scene *scene = scene_new(LINE("away", OPTED_IN BACKUP) LINE(
		"home", OPTED_IN AT_HOME) LINE("none", OPTED_IN) LINE("probed", OPTED_IN BACKUP));

	(void)state;
	scene_pass(scene, MINUTE_S);
	scene->rate[2] = scene->rate[3] = 1000;
	scene->rate[4] = LOOK_S * ALERTS_BACKUP_PACKETS;
	scene->rate[1] = 50;
	scene_pass(scene, MINUTE_S);
	assert_heard(scene, "");
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "+ConnectionAtBackupSite(away)5 ");
	scene->rate[1] = 0;
	scene_pass(scene, 4 * MINUTE_S);
	assert_heard(scene, "");
	scene_pass(scene, 2 * MINUTE_S);
	assert_heard(scene, "-ConnectionAtBackupSite(away)0 ");
	scene_free(scene);
}

/* So many windows of a minute; each closes between two looks. */
static void windows_close(struct scene *scene, size_t index, unsigned int count, double p90_seconds)
{
	while (count--) {
		scene_pass(scene, MINUTE_S);
		alerts_latency(scene->alerts, scene->view->by_id[index], p90_seconds);
	}
}

static void latency_above_its_threshold_is_told_after_three_windows(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN ",\"rtt_threshold_ms\":40"));

	(void)state;
	windows_close(scene, 0, 10, 0.040);
	windows_close(scene, 0, 2, 0.041);
	windows_close(scene, 0, 1, 0.020);
	windows_close(scene, 0, 2, 0.041);
	assert_heard(scene, "");
	windows_close(scene, 0, 1, 0.041);
	assert_heard(scene, "+ConnectionLatencyAboveThreshold(a)0.041 ");
	windows_close(scene, 0, 10, 0.050);
	windows_close(scene, 0, 2, 0.030);
	assert_heard(scene, "");
	windows_close(scene, 0, 1, 0.030);
	assert_heard(scene, "-ConnectionLatencyAboveThreshold(a)0 ");
	scene_free(scene);
}

static void latency_far_above_the_usual_is_told(void **state)
{
	struct scene *scene =
		scene_new(LINE("a", OPTED_IN) LINE("near", OPTED_IN) LINE("new", OPTED_IN));

	(void)state;
	windows_close(scene, 0, 200, 0.020);
	windows_close(scene, 1, 200, 0.001);
	windows_close(scene, 2, ALERTS_FIRST_WINDOWS - 4, 0.020);
	windows_close(scene, 0, 20, 0.039);
	windows_close(scene, 1, 20, 0.005);
	windows_close(scene, 2, 4, 0.100);
	assert_heard(scene, "");
	windows_close(scene, 0, 2, 0.070);
	assert_heard(scene, "");
	windows_close(scene, 0, 1, 0.070);
	assert_heard(scene, "+ConnectionLatencyAboveUsual(a)0.07 ");
	scene_free(scene);
}

static void a_new_usual_is_learnt_in_a_day(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN));

	(void)state;
	windows_close(scene, 0, 10 * ALERTS_USUAL_WINDOWS, 0.020);
	windows_close(scene, 0, 10, 0.050);
	assert_heard(scene, "+ConnectionLatencyAboveUsual(a)0.05 ");
	windows_close(scene, 0, 60, 0.050);
	assert_heard(scene, "");
	windows_close(scene, 0, ALERTS_USUAL_WINDOWS, 0.050);
	assert_heard(scene, "-ConnectionLatencyAboveUsual(a)0 ");
	scene_free(scene);
}

static void latency_that_is_no_longer_measured_ends_its_alerts(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN ",\"rtt_threshold_ms\":40"));

	(void)state;
	windows_close(scene, 0, 3, 0.050);
	assert_heard(scene, "+ConnectionLatencyAboveThreshold(a)0.05 ");
	scene_pass(scene, 10 * MINUTE_S);
	assert_heard(scene, "");
	scene_pass(scene, 10 * MINUTE_S);
	assert_heard(scene, "-ConnectionLatencyAboveThreshold(a)0 ");
	scene_free(scene);
}

static void who_opts_out_or_goes_has_no_alert(void **state)
{
	struct scene *scene =
		scene_new(LINE("a", OPTED_IN) LINE("b", OPTED_IN) LINE("c", OPTED_IN));

	(void)state;
	scene->rate[1] = scene->rate[2] = scene->rate[3] = 100;
	scene_pass(scene, 2 * HOUR_S);
	scene->rate[1] = scene->rate[2] = scene->rate[3] = 0;
	scene_pass(scene, SILENT_S);
	assert_heard(scene, "+ConnectionSilent(a)600 +ConnectionSilent(b)600 "
			    "+ConnectionSilent(c)600 ");
	scene_show(scene, LINE("a", "") LINE("b", OPTED_IN));
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "-ConnectionSilent(a)0 -ConnectionSilent(c)0 ");
	scene->rate[2] = 1;
	scene_pass(scene, LOOK_S);
	assert_heard(scene, "-ConnectionSilent(b)0 ");
	scene_show(scene, LINE("a", OPTED_IN) LINE("b", OPTED_IN));
	scene_pass(scene, HOUR_S);
	assert_heard(scene, "");
	scene_free(scene);
}

static void what_fires_can_be_asked_for(void **state)
{
	struct scene *scene = scene_new(LINE("a", OPTED_IN) LINE("b", OPTED_IN));

	(void)state;
	scene->engine.up = false;
	send_then_stop(scene, 2, 2 * HOUR_S);
	scene_pass(scene, SILENT_S);
	scene->heard[0] = '\0';
	alerts_firing(scene->alerts, scene_hear, scene);
	assert_heard(scene, "+EngineDown(xdp)0 +ConnectionSilent(b)0 ");
	scene->engine.up = true;
	scene->rate[2] = 1;
	scene_pass(scene, LOOK_S);
	scene->heard[0] = '\0';
	alerts_firing(scene->alerts, scene_hear, scene);
	assert_heard(scene, "");
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_falls_silent_is_told_once),
		cmocka_unit_test(who_did_not_opt_in_is_never_told_of),
		cmocka_unit_test(silence_is_news_only_after_steady_packets),
		cmocka_unit_test(nobody_is_silent_where_the_edge_receives_nothing),
		cmocka_unit_test(a_silence_of_a_day_is_sleep),
		cmocka_unit_test(a_counter_that_began_anew_is_no_traffic),
		cmocka_unit_test(traffic_at_the_backup_site_is_told_above_a_floor),
		cmocka_unit_test(latency_above_its_threshold_is_told_after_three_windows),
		cmocka_unit_test(latency_far_above_the_usual_is_told),
		cmocka_unit_test(a_new_usual_is_learnt_in_a_day),
		cmocka_unit_test(latency_that_is_no_longer_measured_ends_its_alerts),
		cmocka_unit_test(who_opts_out_or_goes_has_no_alert),
		cmocka_unit_test(what_fires_can_be_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
