"""What a gate seals of a face opens with one key, for one gate, offer, person and model."""

import pytest

from access.probe_offer import Binding, ProbeContent, ProbeSealError, generate_keys, open_probe, seal_probe
from database import new_id


def test_a_sealed_probe_opens_only_with_its_key_and_for_what_it_was_sealed() -> None:
    private, public = generate_keys()
    binding = Binding(gate="north", offer_id=new_id(), person_id=new_id(), model_id="m")
    content = ProbeContent(template=b"template", picture=b"jpeg")
    sealed = seal_probe(content, public, binding)
    assert open_probe(sealed, private, binding) == content
    for change in ({"gate": "south"}, {"offer_id": new_id()}, {"person_id": new_id()}, {"model_id": "n"}):
        with pytest.raises(ProbeSealError):
            open_probe(sealed, private, binding.model_copy(update=change))
    with pytest.raises(ProbeSealError):
        open_probe(sealed, generate_keys()[0], binding)
    with pytest.raises(ProbeSealError):
        open_probe(sealed[:-1], private, binding)
    with pytest.raises(ProbeSealError, match="cut short"):
        ProbeContent.from_bytes(b"\0\0\0\x09short")
