"""The hash chain, against values that X-Road itself wrote (public verification vectors, MIT licence)."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onedoor.exchange.gateway import chain

B = base64.b64decode
BATCH = (
    "Y3Uqw+5REe4oujpRDKZIQd1M7HBKWB7V0QveaF1LT0dijDwBw2Sl80tIAwLzaExES/UfN+y6bmbrgy+aQjTQJA==",
    "+OjZN7vjd2pNWuImxXIZk07UO75tuC95lQ7WjVUJx1CcVQ+f+PNG8e0lFTSvnghIY+411a55U2GNKnTl/jCYSQ==",
    "FVZJtJM7iQDRGUHvrtSp6/MyRPATYYeaJu7tdbUzwNulDAqBO3t4J9qgsA6YqfrAx+9uP3lwYu4hH4A8wKpBog==",
)
DEPTH_3 = (
    "OJeX8QiwfAFqAYFZWh/c0IlOuvo6xj0CpDZk4aXr8Qn3a7yJp7oAI90tslvqhPITPPOmrNhv+N8zEeKBHBX2jg==",
    "XAyWG7XkO/UoPwjnUbEPm5LAKG1uYtikL53x/mhh3wuD/TiAKmx9AFiZXuY3Tek66KPD+cUSgS+amPTTZwVOuA==",
    "lbjsXWosAooytL3aXZnpZTrku65R/nJ3DAh4cVWrP4wfF7NEa0sjMo3ryCBo8lLthOK/EpmeHwThrbPp2AOESw==",
    "dyq9/U5w9vqbVcsFtq1XieDgeB62xCUGm7EkwsX014f+Cuv8DgqBw81VXcHKJ8ccZdkvYsvatI3upVm8rkC9Fg==",
    "Fv2DqfeCx+wzWiCbLcSkiMv0AtIxVPPBePh1hp5O+vlU33agHK/jZ+Ilt0KYObNkd5qD3jFO6MOV5Ss30JC5Qw==",
)


def test_a_step_has_the_value_that_x_road_gives_it() -> None:
    assert chain.step([B(BATCH[1]), B(BATCH[2])]) == B(BATCH[0])


def test_steps_in_steps_have_the_value_that_x_road_gives_them() -> None:
    inner = chain.step([B(DEPTH_3[3]), B(DEPTH_3[4])])
    assert chain.step([B(DEPTH_3[1]), chain.step([B(DEPTH_3[2]), inner])]) == B(DEPTH_3[0])


@settings(deadline=None)
@given(st.lists(st.binary(min_size=64, max_size=64), min_size=1, max_size=40), st.data())
def test_another_leaf_or_another_order_gives_another_result(leaves: list[bytes], data: st.DataObject) -> None:
    found = chain.result(leaves)
    place = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves]
    changed[place] = bytes(64) if leaves[place] != bytes(64) else b"\1" * 64
    assert chain.result(changed) != found
    assert chain.result([*leaves, leaves[0]]) != found
    if leaves != leaves[::-1]:
        assert chain.result(leaves[::-1]) != found


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        chain.result([])


def test_the_request_hash_is_that_of_x_road() -> None:
    from hashlib import sha512

    both = sha512(sha512(b"head").digest() + sha512(b"body").digest()).digest()
    assert B(chain.digests(b"head", b"body").request_hash) == both
    assert B(chain.digests(b"head", b"").request_hash) == sha512(b"head").digest()
