"""The tests that cannot pass on Microsoft's host, by name, each with its reason. README.md tells the same."""

from __future__ import annotations

_WISH = "crashes and duplicates are wishes that only the stand-in grants"
_SHOWN = "it drops them without a word, and nothing shows them"
_LINES = "it words its log in another way"

NOT_ON_THE_REAL_HOST = {
    "test_a_crash_repeats_at_most_the_message_in_work": _WISH,
    "test_a_crash_in_the_last_try_poisons_the_message_without_another_call": _WISH,
    "test_a_crash_comes_right_after_the_chosen_line_of_log": _WISH,
    "test_requested_duplicates_are_delivered_twice": _WISH,
    "test_a_killed_host_loses_no_upload": "what a killed host had in hand stays hidden for ten real minutes",
    "test_a_stop_does_not_wait_for_ever": "the time it waits for what runs is its own, and longer",
    "test_a_thread_of_the_app_can_log_under_its_invocation": _LINES,
    "test_of_two_hosts_one_runs_a_timer_and_the_other_takes_over": "the other asks for a taken timer once a minute",
    "test_of_two_hosts_each_upload_starts_a_function_once": (
        "the event bridge stands in for Event Grid there, one beside each host"
    ),
    "test_lost_lines_can_be_shown": _SHOWN,
    "test_the_host_says_once_that_it_drops_lines": _SHOWN,
    "test_log_lines_of_the_app_carry_their_invocation": _LINES,
    "test_a_traceback_shows_the_app_and_not_the_host": _LINES,
}
