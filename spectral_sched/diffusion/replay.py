"""Work on an accelerator recorded once and played back: CUDA graphs.

Networks of many small layers take a processor longer to ask for than CUDA to compute. A
recording asks once. It is of one form of inputs, their shapes and types: the first call
of a form goes as usual, the second is recorded, and from then on the inputs are copied
to where the recording reads them. Numbers, such as noise levels, are inputs too, so
another table, seed or class needs no new recording, nor does another solver.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import torch

from .batches import is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor, nn

    Work = Callable[[], Any]
    """Does something with fixed tensors; returns tensors, one or a tuple of them."""

NOT_RECORDED = (
    "CUDA cannot record this network ({reason:.160}); it is asked for layer by layer, "
    "which is slower and gives the same"
)


class Recorder(Protocol):
    """What records work; `CudaRecorder` where there is CUDA."""

    def __call__(self, work: Work) -> Work:
        """Return what does the same again, with the tensors of the recording.

        Nothing need be done yet when it returns.
        """
        ...


class CudaRecorder:
    """Records work as CUDA graphs, which share one pool of memory.

    They may, for no two play at a time, and what they answer is copied at once.
    """

    def __init__(self) -> None:
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, work: Work) -> Work:
        """Return what plays the work."""
        graph = torch.cuda.CUDAGraph()
        mode = "thread_local"  # other threads may use CUDA meanwhile
        with torch.cuda.graph(graph, pool=self.pool, capture_error_mode=mode):
            answer = work()

        def play() -> Any:
            graph.replay()
            return answer

        return play


class Replayed:
    """A function of tensors and numbers, recorded once for each form of its inputs.

    Where it cannot be recorded it is called as it is, for good, and that is told once.

    Parameters
    ----------
    function
        It must depend on nothing but its inputs and on tensors that stay where they
        are, and answer a tensor or a tuple of tensors.
    record
        What records it.
    tell
        Takes the sentence on what cannot be recorded.

    Attributes
    ----------
    num_recorded
        How many forms are recorded.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        record: Recorder,
        tell: Callable[[str], None],
    ) -> None:
        self.function, self.record, self.tell = function, record, tell
        self._rehearsed: set[object] = set()
        self._recorded: dict[object, tuple[list[Tensor], Work]] = {}
        self._refused = False

    @property
    def num_recorded(self) -> int:
        """How many forms are recorded."""
        return len(self._recorded)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Return what the function answers."""
        form = _form(inputs, options)
        try:
            if self._refused or form not in self._rehearsed:
                self._rehearsed.add(form)
                return self.function(*inputs, **options)
            return self._play(form, inputs, options)
        except RuntimeError as error:
            if is_out_of_memory(error):
                self.forget()
            raise

    def forget(self) -> None:
        """Give the memory of all recordings back."""
        self._recorded.clear()
        self._rehearsed.clear()

    def _play(
        self, form: object, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        if form not in self._recorded and not self._try_to_record(
            form, inputs, options
        ):
            return self.function(*inputs, **options)
        places, play = self._recorded[form]
        for place, value in zip(places, _changing(inputs, options), strict=True):
            if isinstance(value, torch.Tensor):
                place.copy_(value)
            else:
                place.fill_(value)
        answer = play()
        if isinstance(answer, tuple):
            return tuple(each.clone() for each in answer)
        return answer.clone()

    def _try_to_record(
        self, form: object, inputs: tuple[Any, ...], options: dict[str, Any]
    ) -> bool:
        """Record a form; return whether that went well."""
        places = _places(_changing(inputs, options))
        left = iter(places)
        fixed = [next(left) if _changes(each) else each for each in inputs]
        named = {
            name: next(left) if _changes(each) else each
            for name, each in options.items()
        }
        try:
            play = self.record(lambda: self.function(*fixed, **named))
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            self._refused = True
            self.forget()
            reason = " ".join(str(error).split())
            self.tell(NOT_RECORDED.format(reason=reason))
            return False
        self._recorded[form] = places, play
        return True


def _changes(value: object) -> bool:
    """Return whether an input is read anew at each call, and is no part of the form."""
    return isinstance(value, torch.Tensor | float)


def _changing(inputs: tuple[Any, ...], options: dict[str, Any]) -> list[Any]:
    return [each for each in (*inputs, *options.values()) if _changes(each)]


def _form(inputs: tuple[Any, ...], options: dict[str, Any]) -> object:
    """Return what two calls that one recording serves have in common."""

    def part(value: Any) -> object:
        if isinstance(value, torch.Tensor):
            return (value.shape, value.dtype, value.device)
        return float if isinstance(value, float) else (type(value), value)

    return tuple(map(part, inputs)), tuple((k, part(v)) for k, v in options.items())


def _places(values: list[Any]) -> list[Tensor]:
    """Return where a recording reads its inputs: numbers in the type of the tensors."""
    first = next(each for each in values if isinstance(each, torch.Tensor))
    return [
        each.clone() if isinstance(each, torch.Tensor) else first.new_empty(())
        for each in values
    ]


class NetworkReplay:
    """The calls of one network, recorded and replayed while it is played.

    Parameters
    ----------
    network
        What is called; `Replayed` says what it has to be.
    record, tell
        As for `Replayed`.
    """

    def __init__(
        self, network: nn.Module, record: Recorder, tell: Callable[[str], None]
    ) -> None:
        self.network = network
        self.replayed = Replayed(network.forward, record, tell)

    def playing(self) -> AbstractContextManager[None]:
        """Return the context in which the network answers from recordings."""
        return answering(self.network, self.replayed)


@contextmanager
def answering(network: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Let a network answer with another function for a while."""
    before = network.__dict__.get("forward")
    network.forward = forward
    try:
        yield
    finally:
        if before is None:
            del network.forward
        else:
            network.forward = before
