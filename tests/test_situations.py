"""Where to find it: each situation of other people's test suites and advisories, and the tests of ours that try it.

A hospital that asks "what if" finds here which test answers. The situations are those of the Asterisk project's own
test suite (its groups queues, FastAGI and manager), and known holes of telephone systems, their manager interfaces and
menus. Most are tried in real calls with a real Asterisk (tests/live), the others where they can be tried harder.
"""

import ast
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

QUEUES = {
    "baseline: a caller waits, an agent answers, they talk": [
        "live/test_audio.py::test_caller_and_agent_hear_each_other"
    ],
    "order by position, priority, arrival": [
        "live/test_situations_queues.py::test_order_by_class_head_start_and_arrival",
        "live/test_calls.py::test_reception_goes_first",
        "live/test_calls.py::test_sixty_at_once",
    ],
    "maxlen": ["live/test_situations_queues.py::test_a_full_queue_takes_nobody"],
    "wrap-up, two queues of the same members, shared": [
        "live/test_situations_queues.py::test_wrap_up_counts_for_all_queues_of_a_seat"
    ],
    "wrap-up, two queues of the same members, not shared": [
        "live/test_situations_queues.py::test_without_wrap_up_the_other_queue_is_next_at_once"
    ],
    "wrap-up per member": [
        "live/test_agents.py::test_wrap_up_lasts_as_long_as_its_queue_says",
        "live/test_feature_codes.py::test_wrap_up_is_ended_by_hand",
    ],
    "all paused, one paused": ["live/test_situations_queues.py::test_all_are_paused_then_one_is_not"],
    "no answer": ["live/test_agents.py::test_no_answer_keeps_the_place"],
    "ring-in-use and auto-pause": [
        "live/test_situations_queues.py::test_set_aside_beside_a_phone_in_use",
        "live/test_agents.py::test_a_phone_in_use_is_not_rung",
        "live/test_agents.py::test_who_never_answers_is_set_aside",
    ],
    "pause reason visible": ["live/test_situations_queues.py::test_all_are_paused_then_one_is_not"],
    "penalty set": ["core/test_strategies.py::test_a_lower_tier_goes_first_whatever_the_strategy"],
    "penalty out of range": ["acd/test_routing_checks.py::test_what_cannot_be_meant_is_an_error"],
    "member forwards, valid and invalid target": [
        "live/test_forwarding.py::test_an_offer_is_not_forwarded",
        "live/test_forwarding.py::test_a_transfer_is_not_forwarded",
    ],
    "caller redirected away mid-queue": ["live/test_situations_queues.py::test_a_caller_is_redirected_away"],
    "caller bridged elsewhere": ["live/test_situations_queues.py::test_a_caller_is_bridged_elsewhere_and_comes_back"],
    "blind transfer, to an agent, a queue, outside": [
        "live/test_transfer_live.py::test_to_another_seat",
        "live/test_transfer_live.py::test_to_a_queue",
        "live/test_transfer_live.py::test_to_a_number_outside",
    ],
    "attended transfer": [
        "live/test_consult_live.py::test_a_seat_that_agreed",
        "live/test_consult_live.py::test_a_queue_that_answered",
        "live/test_consult_live.py::test_by_keys",
    ],
    "member list reload under traffic": ["live/test_situations_queues.py::test_seats_are_reloaded_under_traffic"],
    "bug: one member rung by several queues at once": [
        "live/test_situations_queues.py::test_two_queues_do_not_ring_one_phone_at_once",
        "core/test_properties.py::test_every_offer_names_two_ends_that_are_free",
    ],
    "bug: free arrives before the wrap-up stamp": [
        "live/test_agents.py::test_wrap_up_lasts_as_long_as_its_queue_says",
        "core/test_properties.py::test_whatever_happens_nothing_breaks_and_calm_drains_every_queue",
    ],
    "bug: member stuck in a call that was taken from him": [
        "live/test_situations_queues.py::test_a_caller_is_redirected_out_of_a_talk",
        "live/test_situations_queues.py::test_both_are_redirected_out_of_a_talk",
    ],
    "bug: ring-all, two answer together": ["live/test_ring_all.py::test_of_several_who_answer_at_once_one_has_him"],
}
"""app_queue's. Its subroutine on connect has nothing that would answer to it here."""

AGI = "live/test_situations_agi.py::"
FAST_AGI = {
    "connect": ["ivr/test_fastagi.py::test_a_session", f"{AGI}test_verbs"],
    "channel status": [f"{AGI}test_verbs"],
    "channel status on a dead channel": [f"{AGI}test_channel_status_of_a_dead_channel"],
    "control stream file": [f"{AGI}test_keys"],
    "stream file": [f"{AGI}test_verbs", f"{AGI}test_keys", "live/test_audio.py::test_a_caller_hears_goodbye"],
    "get data": [f"{AGI}test_keys", "live/test_dtmf.py::test_a_key_chooses"],
    "wait for digit": [f"{AGI}test_wait_for_digit", f"{AGI}test_verbs"],
    "record file": [f"{AGI}test_record_file", "live/test_waiting.py::test_voicemail_records_who_is_sent_there"],
    "say alpha, date, datetime, digits, number, phonetic, time": [f"{AGI}test_say", f"{AGI}test_keys"],
    "execute": [f"{AGI}test_verbs", "live/test_agi_bin.py::test_the_same_as_under_asterisk"],
    "database": [f"{AGI}test_verbs", "live/test_agi_bin.py::test_the_same_as_under_asterisk"],
    "hangup": [f"{AGI}test_hangup", "live/test_agi_bin.py::test_hang_up_in_a_script"],
    "AsyncAGI break": ["live/test_situations_ami.py::test_a_program_that_leads_a_call_lets_it_go"],
    "exit status": ["live/test_agi_bin.py::test_a_script_that_dies", "ivr/test_scripts.py::test_a_broken_script"],
    "a script that others wrote": [f"{AGI}test_a_published_script_runs_unchanged"],
}

AMI = "live/test_situations_ami.py::"
MANAGER = {
    "login": [f"{AMI}test_a_wrong_secret", "ivr/test_ami_hostile.py::test_refused_log_in"],
    "ACL login": [f"{AMI}test_who_is_not_on_the_list_of_addresses"],
    "auth limit and time-out": [f"{AMI}test_silent_connections_are_few_and_end"],
    "class restrictions, config read and write, dangerous functions": [
        "live/test_instance.py::test_the_ami_account_may_do_nothing_else"
    ],
    "escaped values": [f"{AMI}test_a_value_with_line_breaks", "ivr/test_ami_hostile.py::test_no_value_leaves_its_line"],
    "originate": [
        "live/test_instance.py::test_the_ami_account_may_do_what_callfloor_does",
        "ivr/test_ami_hostile.py::test_a_hostile_caller_in_an_offer",
    ],
    "redirect single, in an application and in a bridge": [
        "live/test_situations_queues.py::test_a_caller_is_redirected_away",
        "live/test_situations_queues.py::test_a_caller_is_redirected_out_of_a_talk",
    ],
    "redirect dual": ["live/test_situations_queues.py::test_both_are_redirected_out_of_a_talk"],
    "play DTMF": [f"{AMI}test_keys_that_somebody_plays"],
    "mixmonitor with id": [f"{AMI}test_a_talk_that_somebody_records"],
    "bridge": ["live/test_situations_queues.py::test_a_caller_is_bridged_elsewhere_and_comes_back"],
    "status with all variables": [f"{AMI}test_all_variables_of_a_channel"],
    "user events": [
        f"{AMI}test_user_events_of_strangers",
        "ivr/test_led_away.py::test_only_our_dialplan_tells_of_calls",
    ],
    "events as answers to actions, response time": [f"{AMI}test_answers_keep_their_actions"],
}

STREAM = "live/test_situations_stream.py::"
HOSTILE = "live/test_hostile.py::"
NETWORK = "live/test_situations_network.py::"
TELEPHONY_IN = {
    "dialplan injection by extension": [f"{HOSTILE}test_dialled_numbers"],
    "caller-ID into a command": [
        f"{HOSTILE}test_names",
        f"{HOSTILE}test_numbers",
        "live/test_calls.py::test_a_hostile_name_is_a_name",
    ],
    "caller-ID into a file name": [f"{NETWORK}test_a_message_lies_where_messages_lie"],
    "AGI header injection": ["ivr/test_agi.py::test_hostile_headers", f"{HOSTILE}test_numbers"],
    "AGI connections by the thousand": ["live/test_hostile_agi.py::test_ten_thousand_hostile_connections"],
    "AGI command injection": [
        f"{AGI}test_texts_of_any_kind_go_out_as_they_are",
        "ivr/test_agi.py::test_control_characters_are_refused",
        "ivr/test_agi.py::test_longest_command",
    ],
    "FastAGI has no authentication": [
        f"{NETWORK}test_who_is_no_asterisk",
        "ivr/test_fastagi_hostile.py::test_strangers_are_refused",
    ],
    "AGI answers slow, garbled, late": [
        "ivr/test_agi.py::test_hostile_responses",
        "ivr/test_fastagi.py::test_a_late_answer_ends_the_session",
        "ivr/test_agi.py::test_a_usage_text_is_one_response",
    ],
    "flood of keys": ["live/test_hostile_keys.py::test_flood_of_keys"],
    "digits during a transfer": [f"{NETWORK}test_keys_during_a_transfer"],
    "SIP torture": ["live/test_hostile_sip.py::test_torture"],
    "text with redundancy (T.140)": [
        "live/test_situations_text.py::test_broken_text",
        "live/test_situations_text.py::test_text_at_a_thousand_letters_a_second",
    ],
    "STIR/SHAKEN": [f"{NETWORK}test_a_signed_identity", f"{NETWORK}test_a_claim_to_be_verified"],
    "control characters in a SIP MESSAGE": [f"{NETWORK}test_a_text_message"],
    "events forged by a caller": [f"{HOSTILE}test_forged_events"],
}

MANAGER_HOLES = {
    "line breaks in any value": [f"{AMI}test_a_value_with_line_breaks", f"{HOSTILE}test_numbers"],
    "originate as code execution": ["live/test_instance.py::test_the_ami_account_may_do_nothing_else"],
    "path traversal": ["live/test_instance.py::test_the_ami_account_may_do_nothing_else"],
    "event flood, slow reader": [
        f"{AMI}test_a_reader_that_stops_for_a_while",
        f"{AMI}test_a_reader_that_stops_for_long",
        "ivr/test_ami_hostile.py::test_endless_message",
    ],
    "events for unknown channels, duplicated, out of order": [
        f"{STREAM}test_a_stream_that_babbles",
        "ivr/test_ami_hostile.py::test_any_order",
        "ivr/test_channels.py::test_events_out_of_order_twice_or_never_break_nothing",
    ],
    "drop at each byte of a Bridge event": [
        f"{STREAM}test_cut_in_the_event_that_tells_of_the_talk",
        "ivr/test_ami_hostile.py::test_cut_off_at_each_byte",
    ],
    "login flood, nonce replay": [f"{AMI}test_a_flood_of_log_ins"],
}

TOLL_FRAUD = {
    "call-forward of a seat abroad": ["live/test_forwarding.py::test_an_offer_is_not_forwarded"],
    "transfer to an outside line": [f"{NETWORK}test_a_transfer_that_a_caller_could_choose"],
    "a caller dials what agents dial": [f"{NETWORK}test_a_caller_dials_what_agents_dial"],
    "PIN brute force": [
        "live/test_hostile_keys.py::test_guessed_pins",
        "live/test_feature_codes.py::test_three_wrong_pins_lock",
    ],
    "premium numbers, however written": [
        "acd/test_numbers.py::test_ten_thousand_attempts",
        "live/test_calls_out_live.py::test_what_may_not_be_called",
    ],
    "caps": [
        "core/test_outgoing.py::test_no_cap_is_ever_broken",
        "acd/test_calling_desk.py::test_two_thousand_attempts_and_twenty_restarts",
    ],
}

TABLES = [QUEUES, FAST_AGI, MANAGER, TELEPHONY_IN, MANAGER_HOLES, TOLL_FRAUD]


@cache
def names_in(file):
    """Name the functions of a file."""
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("named", sorted(set(chain.from_iterable(chain(*(table.values() for table in TABLES))))))
def test_each_is_there(named):
    """The test that a situation names exists."""
    file, _, test = named.partition("::")
    assert test.startswith("test_")
    assert test in names_in(file)


def test_none_is_left_out():
    """Each test that was written for a situation is named by one."""
    named = set(chain.from_iterable(chain(*(table.values() for table in TABLES))))
    written = {
        f"live/{file.name}::{test}"
        for file in (TESTS / "live").glob("test_situations_*.py")
        for test in names_in(f"live/{file.name}")
        if test.startswith("test_")
    }
    assert written <= named
