"""The most urgent work that is due; among equals what waited longest; nothing lost, nothing twice."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from metering.lines.work_queue import Priority, WorkQueue


class Queue(RuleBasedStateMachine):
    """Beside a list that is searched each time."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: WorkQueue[int] = WorkQueue()
        self.waiting: list[tuple[Priority, float, int, int]] = []
        self.number = 0
        self.at_once: set[int] = set()
        self.now_s = 0.0

    @rule(key=st.integers(0, 9), priority=st.sampled_from(Priority), due_in_s=st.none() | st.floats(0, 10))
    def put(self, key: int, priority: Priority, due_in_s: float | None) -> None:
        self.number += 1
        due_s = None if due_in_s is None else self.now_s + due_in_s
        is_new = all(one[3] != key for one in self.waiting)
        assert self.queue.put(key, priority, self.number, due_s=due_s) is is_new
        if is_new and due_in_s is None:
            self.at_once.add(self.number)
        if is_new:
            self.waiting.append((priority, self.now_s if due_s is None else due_s, self.number, key))

    @rule(passes_s=st.floats(0, 5))
    def wait(self, passes_s: float) -> None:
        self.now_s += passes_s

    @rule()
    def take(self) -> None:
        due = [one for one in self.waiting if one[1] <= self.now_s]
        found = self.queue.take(self.now_s)
        if not due:
            assert found is None
            return
        assert found is not None
        (taken,) = [one for one in due if one[2] == found.work]
        self.waiting.remove(taken)
        assert taken[0] == min(one[0] for one in due)
        # What was put in to be done at once keeps its order.
        assert taken[2] not in self.at_once or not any(
            one[2] in self.at_once and one[0] == taken[0] and one[2] < taken[2] for one in due
        )

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(one)
        self.queue.discard(one[3])

    @rule(priority=st.sampled_from(Priority))
    def clear(self, priority: Priority) -> None:
        self.waiting = [one for one in self.waiting if one[0] is not priority]
        self.queue.clear(priority)
        assert len(self.queue) == len(self.waiting)


TestQueue = Queue.TestCase


def test_work_that_could_not_be_done_comes_again_before_its_equals() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for name in "ab":
        queue.put(name, Priority.CYCLE, name)
    first = queue.take(0.0)
    assert first is not None
    queue.put_back(first)
    assert [queue.take(0.0).work for _ in range(2)] == ["a", "b"]
