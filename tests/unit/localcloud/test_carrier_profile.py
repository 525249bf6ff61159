"""Carrier profiles: a pure function from seed and number to what happens."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.core.channels import Channel
from localcloud.outcomes import FAILURES, FINAL_FAILURES
from localcloud.profile import BUILT_IN, CarrierProfile, ProfileError, fate, load, verdict

RATE = st.floats(0, 1)
RANGE = st.tuples(st.floats(0, 1000), st.floats(0, 1000)).map(lambda pair: (min(pair), max(pair)))
PROFILES = st.builds(
    CarrierProfile,
    seed=st.integers(),
    latency_ms=RANGE,
    receipt_delay_ms=RANGE,
    failure_rate=RATE,
    failure_mix=st.dictionaries(st.sampled_from(FINAL_FAILURES), st.floats(0.1, 10), min_size=1),
    throttle_rate=st.floats(0, 0.5),
    error_rate=st.floats(0, 0.5),
    outage=st.booleans(),
    duplicate_rate=RATE,
    reorder_rate=RATE,
    lost_rate=RATE,
    paths=st.sampled_from([(), ("sns",), ("eventbridge",), ("eventbridge", "sns")]),
)


@given(PROFILES, st.integers(1, 10**9))
def test_the_same_number_meets_the_same_end_within_the_profile(profile: CarrierProfile, number: int) -> None:
    end, judged = fate(profile, number), verdict(profile, number)
    assert (end, judged) == (fate(profile, number), verdict(profile, number))
    low, high = (bound / 1000 for bound in profile.receipt_delay_ms)
    slack = 1e-9
    assert low - slack <= min(end.interim_after, end.final_after)
    assert max(end.interim_after, end.final_after) <= high + slack
    assert end.final_status in {"DELIVERED", *profile.failure_mix}
    assert profile.latency_ms[0] / 1000 - slack <= judged.latency <= profile.latency_ms[1] / 1000 + slack
    assert judged.refusal in {None, "throttle", "error"}
    assert judged.refusal == "error" or not profile.outage


@given(PROFILES)
def test_json_and_back(profile: CarrierProfile) -> None:
    assert CarrierProfile.from_mapping(json.loads(json.dumps(profile.to_mapping()))) == profile


def test_rates_are_met_over_many_messages() -> None:
    profile = CarrierProfile(
        seed=5,
        failure_rate=0.2,
        duplicate_rate=0.1,
        lost_rate=0.05,
        reorder_rate=0.3,
        failure_mix={"SPAM": 3, "INVALID": 1},
    )
    count = 20_000
    ends = [fate(profile, n) for n in range(1, count + 1)]
    share = Counter(end.final_status for end in ends)
    assert share["SPAM"] / count == pytest.approx(0.15, abs=0.01)
    assert share["INVALID"] / count == pytest.approx(0.05, abs=0.01)
    assert sum(end.duplicated for end in ends) / count == pytest.approx(0.1, abs=0.01)
    assert sum(end.lost for end in ends) / count == pytest.approx(0.05, abs=0.01)
    assert sum(end.final_after < end.interim_after for end in ends) / count == pytest.approx(0.3, abs=0.02)


def test_a_forced_end_stays() -> None:
    assert fate(CarrierProfile(failure_rate=1.0), 1, forced="DELIVERED").final_status == "DELIVERED"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([], "JSON object"),
        ({"sed": 1}, "no 'sed'"),
        ({"seed": 1.5}, "whole number"),
        ({"seed": True}, "whole number"),
        ({"failure_rate": 1.1}, "between 0 and 1"),
        ({"failure_rate": "half"}, "number from 0 to 1"),
        ({"failure_rate": float("nan")}, "between 0 and 1"),
        ({"throttle_rate": 0.6, "error_rate": 0.6}, "together exceed 1"),
        ({"latency_ms": [5, 1]}, "lowest, highest"),
        ({"latency_ms": 5}, "two numbers"),
        ({"receipt_delay_ms": [0, float("inf")]}, "lowest, highest"),
        ({"failure_mix": {}}, "failure_mix"),
        ({"failure_mix": {"DELIVERED": 1}}, "DELIVERED"),
        ({"failure_mix": {"SPAM": 0}}, "failure_mix"),
        ({"paths": ["pigeon"]}, "pigeon"),
        ({"paths": "sns"}, "list"),
        ({"outage": 1}, "true or false"),
        ({"read_rate": 2}, "between 0 and 1"),
        ({"notification_id": "theirs"}, "own, message"),
        ({"notification_id": 1}, "word"),
        ({"channels": []}, "map channels"),
        ({"channels": {"fax": {}}}, "fax"),
        ({"channels": {"email": {"seed": 2}}}, "seed cannot differ"),
        ({"channels": {"email": {"failure_rate": 2}}}, "between 0 and 1"),
        ({"channels": {"email": {"fail": 2}}}, "no 'fail'"),
    ],
)
def test_what_is_wrong_is_named(values: Any, complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint):
        CarrierProfile.from_mapping(values)


def test_profiles_come_by_name_or_file(tmp_path: Path) -> None:
    for name, profile in BUILT_IN.items():
        assert load(name) == profile
    file = tmp_path / "mine.json"
    file.write_text('{"seed": 4, "outage": true}')
    assert load(str(file)) == CarrierProfile(seed=4, outage=True)
    file.write_text("{")
    with pytest.raises(ProfileError, match=r"mine\.json"):
        load(str(file))
    with pytest.raises(ProfileError, match="smooth, everyday, rough"):
        load(str(tmp_path / "absent.json"))


@given(PROFILES, st.integers(1, 10**9), st.sampled_from(Channel))
def test_each_channel_ends_in_its_own_words(profile: CarrierProfile, number: int, channel: Channel) -> None:
    end = fate(profile, number, channel=channel)
    assert end == fate(profile, number, channel=channel)
    assert end.final_status in {"DELIVERED", *FAILURES[channel]}
    assert end.read_after is None or (end.final_status == "DELIVERED" and end.read_after >= end.final_after)


def test_channels_meet_different_ends_of_one_seed() -> None:
    profile = CarrierProfile(seed=2, failure_rate=0.5)
    ends = {channel: [fate(profile, n, channel=channel).final_status for n in range(1, 200)] for channel in Channel}
    failed = [[status != "DELIVERED" for status in ends[channel]] for channel in Channel]
    assert failed[0] != failed[1] != failed[2] != failed[0]


def test_a_mix_of_one_channel_does_not_change_anothers_ends() -> None:
    texts = CarrierProfile(seed=20261121, failure_rate=0.2, failure_mix={"SPAM": 2, "INVALID": 1})
    mixed = dataclasses.replace(texts, failure_mix={**texts.failure_mix, "131049": 5, "complaint": 5})
    assert [fate(mixed, n) for n in range(1, 300)] == [fate(texts, n) for n in range(1, 300)]
    ends = {fate(mixed, n, channel=Channel.WHATSAPP).final_status for n in range(1, 300)}
    assert ends == {"DELIVERED", "131049"}


def test_the_fates_of_texts_are_what_they_were() -> None:
    ends = [fate(CarrierProfile(seed=20261121, failure_rate=0.5), n) for n in range(1, 9)]
    assert "".join(end.final_status[0] for end in ends) == "UDDUDDUD"


def test_a_channel_may_differ() -> None:
    profile = CarrierProfile.from_mapping(
        {"failure_rate": 0.0, "channels": {"email": {"failure_rate": 1, "failure_mix": {"complaint": 1}}}}
    )
    assert fate(profile, 1, channel=Channel.EMAIL).final_status == "complaint"
    assert fate(profile, 1).final_status == "DELIVERED"
    outage = CarrierProfile(channels={"whatsapp": {"outage": True}})
    assert [verdict(outage, 1, channel).refusal for channel in Channel] == [None, "error", None]
    for whole in (profile, outage):
        assert CarrierProfile.from_mapping(json.loads(json.dumps(whole.to_mapping()))) == whole
