"""What is read of hand-made ONNX graphs: names, dtypes, open dimensions, and the rows that token ids pick from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.bring.reading import read_signature
from harness.bring.signature import Input
from harness.errors import ArtifactUnreadable, HarnessError, UsageProblem

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def weight(name: str, *shape: int) -> Any:
    return numpy_helper.from_array(np.ones(shape, dtype=np.float32), name)


def value(name: str, kind: int, dims: list[int | str | None] | None) -> Any:
    return helper.make_tensor_value_info(name, kind, dims)


def saved(folder: Path, nodes: list[Any], inputs: list[Any], weights: list[Any], outputs: list[str]) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, [value(name, FLOAT, None) for name in outputs], weights)
    path = folder / "made.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    return path


def embedding(folder: Path, *nodes: Any, ids: str = "ids", weights: tuple[Any, ...] = ()) -> Path:
    table = weights or (weight("table", 30, 4),)
    name = table[0].name
    return saved(
        folder,
        [*nodes, helper.make_node("Gather", [name, ids], ["y"])],
        [value("ids", INT64, ["batch", "sequence"])],
        list(table),
        ["y"],
    )


def test_inputs_have_their_names_dtypes_and_fixed_named_and_open_dimensions(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        [helper.make_node("Add", ["x", "w"], ["y"]), helper.make_node("Cast", ["n"], ["m"], to=FLOAT)],
        [value("x", FLOAT, ["batch", 4, None]), value("n", INT64, [])],
        [weight("w", 1)],
        ["y", "m"],
    )
    found = read_signature(path)
    assert found.format == "onnx"
    assert found.inputs == (Input("x", "float32", ("batch", 4, None)), Input("n", "int64", ()))
    assert found.outputs == ("y", "m")


def test_a_weight_that_older_files_list_among_the_inputs_is_none(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        [helper.make_node("Add", ["x", "w"], ["y"])],
        [value("x", FLOAT, [2]), value("w", FLOAT, [2])],
        [weight("w", 2)],
        ["y"],
    )
    assert [one.name for one in read_signature(path).inputs] == ["x"]


@pytest.mark.parametrize(
    "before",
    [
        (),
        (helper.make_node("Cast", ["ids"], ["again"], to=TensorProto.INT32),),
        (helper.make_node("Identity", ["ids"], ["a"]), helper.make_node("Flatten", ["a"], ["again"])),
    ],
)
def test_token_ids_are_followed_to_the_table_that_they_pick_rows_of(tmp_path: Path, before: tuple[Any, ...]) -> None:
    path = embedding(tmp_path, *before, ids="again" if before else "ids")
    assert read_signature(path).inputs[0].rows == 30


def test_of_two_tables_the_smaller_bounds_the_ids(tmp_path: Path) -> None:
    path = embedding(
        tmp_path,
        helper.make_node("Gather", ["small", "ids"], ["z"]),
        weights=(weight("large", 30, 4), weight("small", 12, 4)),
    )
    assert read_signature(path).inputs[0].rows == 12


def test_numbers_that_pick_no_rows_have_no_bound(tmp_path: Path) -> None:
    path = saved(
        tmp_path, [helper.make_node("Cast", ["n"], ["y"], to=FLOAT)], [value("n", INT64, ["batch"])], [], ["y"]
    )
    assert read_signature(path).inputs[0].rows is None


def test_texts_cannot_be_made_up(tmp_path: Path) -> None:
    path = saved(
        tmp_path, [helper.make_node("Identity", ["s"], ["y"])], [value("s", TensorProto.STRING, [1])], [], ["y"]
    )
    with pytest.raises(UsageProblem, match="declare the model instead"):
        read_signature(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.onnx", b"this is a text and no model, whatever it is called"),
        ("empty.onnx", b""),
        ("cut.onnx", None),
        ("weights.pt", b"\x80\x02}q\x00."),
        ("cut.pt2", b"PK\x03\x04 and nothing else"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    path.write_bytes(embedding(tmp_path).read_bytes()[:-40] if content is None else content)
    with pytest.raises((ArtifactUnreadable, UsageProblem)) as refused:
        read_signature(path)
    assert isinstance(refused.value, HarnessError)
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)
