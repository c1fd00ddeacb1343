"""Prometheus metrics of one edge."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from messages import CommandEffect

_RESULTS = {
    CommandEffect.DONE: "accepted",
    CommandEffect.REFUSED: "refused",
    CommandEffect.NO_ANSWER: "unanswered",
}
_LATENCIES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 3.0)


class Metrics:
    """All metrics, in a registry of their own unless one is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.frames = Counter("campusgate_edge_frames", "Frames looked at", registry=self.registry)
        self.frames_failed = Counter(
            "campusgate_edge_frames_failed", "Frames whose recognition failed", registry=self.registry
        )
        self.votes = Counter("campusgate_edge_votes", "Faces embedded and counted in a vote", registry=self.registry)
        self.obstacles = Counter(
            "campusgate_edge_obstacles", "Faces in front that could not vote", ["obstacle"], registry=self.registry
        )
        self.asked = Counter(
            "campusgate_edge_asked", "Passages asked about", ["method", "reason"], registry=self.registry
        )
        self.commands = Counter(
            "campusgate_edge_commands", "Commands by what became of them", ["result"], registry=self.registry
        )
        self.taps_ignored = Counter(
            "campusgate_edge_taps_ignored", "Card taps not answered", ["why"], registry=self.registry
        )
        self.recognition = self._latency("recognition", "One frame through detector, embedder and vote")
        self.decision = self._latency("decision", "From the arrival of the deciding frame to the decision")
        self.command = self._latency("command", "From the arrival of the deciding frame to the command sent")
        self.relay = self._latency(
            "relay", "From the arrival of the deciding frame to the relay (or the acknowledgement)"
        )
        self.tap = self._latency("tap", "From the arrival of a card tap to the answer sent")
        self.people = Gauge("campusgate_edge_people", "People who can be found by face", registry=self.registry)
        self.people_by_model = Gauge(
            "campusgate_edge_people_by_model",
            "The same, by the model of their templates",
            ["model"],
            registry=self.registry,
        )
        self.revision = Gauge("campusgate_edge_directory_revision", "Revision held", registry=self.registry)
        self.camera_running = Gauge("campusgate_edge_camera_running", "1 while frames come", registry=self.registry)

    def set_people(self, people: Mapping[str, int]) -> None:
        """Set how many people can be found, by model; a model that nobody has a template of disappears."""
        self.people.set(sum(people.values()))
        self.people_by_model.clear()
        for model_id, count in people.items():
            self.people_by_model.labels(model_id).set(count)

    def count_command(self, effect: CommandEffect) -> None:
        """Count a command that was sent, by what became of it."""
        self.commands.labels(_RESULTS[effect]).inc()

    def _latency(self, name: str, text: str) -> Histogram:
        return Histogram(f"campusgate_edge_{name}_seconds", text, buckets=_LATENCIES, registry=self.registry)
