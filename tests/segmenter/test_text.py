"""Text as a prompt: a tiny CLIP from a folder, its projection in the weights, text and clicks together."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from segmenter.build import build
from segmenter.checkpoint import load_model, recognise, save_weights
from segmenter.config import MODEL_CONFIGS
from segmenter.modeling.segmenter import Sam
from segmenter.predict import Embedding, answer, decode, embed
from segmenter.prompts import Box, InvalidPrompt, Point, Prompt
from segmenter.text import NoTextPrompts, TextEncoder, load_text_encoder
from tests.segmenter.test_prompted_decoding import PICTURE, SAM
from tests.segmenter.test_starter import TINY

DIM = 8
TOLD = replace(SAM, sam=replace(SAM.sam, text_dim=DIM))


def write_clip(folder: Path) -> Path:
    """A whole CLIP model of a few thousand random weights, with a tokenizer that knows single letters."""
    transformers = pytest.importorskip("transformers", reason="text prompts are an extra: pip install 'maskmill[text]'")
    folder.mkdir(parents=True)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {"vocab_size": len(words), "max_position_embeddings": 20, "projection_dim": DIM, **sizes}
    text |= {"bos_token_id": len(words) - 2, "eos_token_id": len(words) - 1, "pad_token_id": len(words) - 1}
    vision = {"image_size": 8, "patch_size": 4, "projection_dim": DIM, **sizes}
    torch.manual_seed(9)
    transformers.utils.logging.disable_progress_bar()
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM)
    transformers.CLIPModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return load_text_encoder(write_clip(tmp_path_factory.mktemp("clip") / "tiny"))


@pytest.fixture(scope="module")
def model() -> Sam:
    torch.manual_seed(2)
    made = build(TOLD).eval()
    assert isinstance(made, Sam)
    return made


@pytest.fixture(scope="module")
def embedding(model: Sam) -> Embedding:
    return embed(model, PICTURE)


def test_texts_become_vectors_of_length_one(clip: TextEncoder) -> None:
    wheel, cat, again = clip.embed(["a wheel", "cat on the mat", "a wheel"])
    assert clip.dim == DIM == len(wheel) and wheel.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm([wheel, cat], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(wheel, again, atol=1e-6)
    assert np.abs(wheel - cat).max() > 0.01
    # Neither what stands beside it in the batch nor the end of a long text changes a text's vector.
    np.testing.assert_allclose(clip.embed(["a wheel"])[0], wheel, atol=1e-5)
    np.testing.assert_allclose(*clip.embed(["a " * 50, "a " * 60]), atol=1e-6)


def test_the_text_side_is_that_of_the_whole_model(clip: TextEncoder, tmp_path: Path) -> None:
    import transformers

    whole = transformers.CLIPModel.from_pretrained(write_clip(tmp_path / "clip"), local_files_only=True).eval()
    rows = clip.tokenizer(["a wheel"], return_tensors="pt")
    with torch.no_grad():
        text = whole.text_model(**rows).pooler_output @ whole.text_projection.weight.T
    np.testing.assert_allclose(clip.embed(["a wheel"]), torch.nn.functional.normalize(text).numpy(), atol=1e-6)


def test_a_text_alone_and_with_clicks_is_a_prompt(model: Sam, embedding: Embedding, clip: TextEncoder) -> None:
    wheel, cat = clip.embed(["a wheel", "a cat"])
    click, box = (Point(10, 10),), Box(5, 5, 40, 40)
    prompts = [Prompt(text=wheel), Prompt(text=cat), Prompt(click), Prompt(click, text=wheel), Prompt((), box, wheel)]
    alone, other, without, both, boxed = decode(model, embedding, prompts)
    assert [found.chosen > 0 for found in (alone, other, without, both, boxed)] == [True, True, True, False, False]
    for one, two in [(alone, other), (without, both), (alone, both), (both, boxed)]:
        assert np.abs(one.logits - two.logits).max() > 1e-4
    stepwise = answer(model, embedding, Prompt(click, text=wheel))
    first = decode(model, embedding, [Prompt(text=wheel)])[0]
    second = decode(model, embedding, [Prompt(click, text=wheel)], first.logits[first.chosen][None])[0]
    np.testing.assert_allclose(stepwise.logits, second.logits, atol=1e-5)


@torch.no_grad()
def test_the_text_is_one_token_through_the_projection(model: Sam, embedding: Embedding) -> None:
    text = torch.nn.functional.normalize(torch.randn(2, DIM), dim=1)
    token = model.prompt_encoder.text(text)
    assert token.shape == (2, 1, 32)
    coords, labels = torch.zeros(2, 1, 2), -torch.ones(2, 1)
    plain = (torch.zeros(2, 1, 16, 16), torch.zeros(2))
    logits, iou = model.decode(embedding.tensors, coords, labels, *plain, text=text)
    for index in range(2):
        found = decode(model, embedding, [Prompt(text=text[index].numpy())])[0]
        np.testing.assert_allclose(found.logits, logits[index].numpy(), atol=1e-4)
        np.testing.assert_allclose(found.predicted_iou, iou[index].numpy(), atol=1e-5)


def test_the_projection_learns(model: Sam, embedding: Embedding) -> None:
    projection = model.prompt_encoder.text_projection
    assert projection is not None
    text = torch.nn.functional.normalize(torch.randn(1, DIM), dim=1)
    tensors = {name: level.clone() for name, level in embedding.tensors.items()}
    given = (torch.zeros(1, 1, 2), -torch.ones(1, 1), torch.zeros(1, 1, 16, 16), torch.zeros(1))
    before = {name: value.clone() for name, value in projection.state_dict().items()}
    step, losses = torch.optim.Adam(projection.parameters(), 0.05), []
    for _ in range(12):
        logits, _ = model.decode(tensors, *given, text=text)
        loss = torch.nn.functional.softplus(-logits[:, 0]).mean()
        losses.append(loss.item())
        step.zero_grad()
        loss.backward()
        step.step()
    projection.load_state_dict(before)
    assert losses[-1] < losses[0] - 1e-4


def test_the_projection_is_part_of_the_weights(model: Sam, tmp_path: Path) -> None:
    save_weights(tmp_path / "told.safetensors", model.state_dict(), TOLD)
    loaded = load_model(tmp_path / "told.safetensors")
    assert isinstance(loaded, Sam) and loaded.prompt_encoder.text_projection is not None
    assert loaded.config.sam.text_dim == DIM and "prompt_encoder.text_projection.bias" in loaded.state_dict()


def test_an_official_checkpoint_may_bring_a_projection() -> None:
    for name in ("vit_b", "vit_t"):
        with torch.device("meta"):
            state = dict(build(MODEL_CONFIGS[name]).state_dict())
            assert recognise(state) == MODEL_CONFIGS[name]
            state["prompt_encoder.text_projection.weight"] = torch.zeros(256, 768)
        assert recognise(state).sam.text_dim == 768


def test_models_without_projection_and_other_clips_are_refused(embedding: Embedding, model: Sam) -> None:
    starter = build(TINY).eval()
    text = np.ones(DIM, np.float32)
    with pytest.raises(NoTextPrompts, match="takes no text prompts"):
        decode(starter, embed(starter, PICTURE), [Prompt(text=text)])
    with pytest.raises(NoTextPrompts, match="of width 8, not 9"):
        decode(model, embedding, [Prompt(text=np.ones(DIM + 1, np.float32))])
    with pytest.raises(ValueError, match="no text projection"):
        build(SAM).prompt_encoder.text(torch.ones(1, DIM))  # type: ignore[union-attr]
    for broken in (text * np.nan, text[None]):
        with pytest.raises(InvalidPrompt, match="finite numbers"):
            Prompt(text=broken)


def test_without_words_there_is_nothing_to_embed(clip: TextEncoder) -> None:
    with pytest.raises(NoTextPrompts, match="at least one word"):
        clip.embed(["a wheel", "  "])


def test_folders_that_hold_no_clip_are_explained(tmp_path: Path) -> None:
    with pytest.raises(NoTextPrompts, match=r"config\.json.*missing.*hf download"):
        load_text_encoder(tmp_path)
    broken = write_clip(tmp_path / "clip")
    save_file({"a": torch.zeros(1)}, broken / "model.safetensors")
    (broken / "config.json").write_text('{"model_type": "clip"')
    with pytest.raises(NoTextPrompts, match="can be read"):
        load_text_encoder(broken)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(NoTextPrompts, match=r"pip install 'maskmill\[text\]'"):
        load_text_encoder(tmp_path)
