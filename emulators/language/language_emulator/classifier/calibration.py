"""Margins into probabilities, fitted on out-of-fold margins so that they hold for documents to come.

Single label: softmax with one temperature. Multi label: a sigmoid for each label with the smoothed targets of
Platt as Lin, Lin and Weng (2007) give them, and a threshold for each label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

DEFAULT_SHARPNESS = 5.0
DEFAULT_SLOPE = 3.0
DEFAULT_THRESHOLD = 0.5
# A curve through one or two positives says nothing.
POSITIVES_FOR_A_SIGMOID = 3

_SHARPNESSES = np.geomspace(1.0, 60.0, 120)
_THRESHOLDS = np.arange(0.10, 0.61, 0.02)


@dataclass(frozen=True)
class Sigmoids:
    """P(label) = 1 / (1 + exp(-(slope * margin + offset))), and the threshold at which a label is assigned."""

    slopes: Floats
    offsets: Floats
    thresholds: Floats

    def probabilities(self, margins: Floats) -> Floats:
        result: Floats = _sigmoid(margins * self.slopes + self.offsets).astype(np.float32)
        return result


def softmax(margins: npt.NDArray[np.floating], sharpness: float) -> Floats:
    """Probabilities over the classes of each row; `sharpness` is the inverse of the temperature."""
    scaled = margins.astype(np.float64) * sharpness
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return result


def fit_sharpness(margins: Floats, labels: Bools) -> float:
    """The most cautious sharpness that the data do not rule out: within two standard errors of the likeliest.

    Documents to come differ from the labelled ones (other authors, other days), which makes the likeliest value
    over-confident on them. With many documents the two standard errors vanish, and so does the caution.
    """
    losses = np.stack([_log_losses(margins, labels, sharpness) for sharpness in _SHARPNESSES])
    excess = losses - losses[losses.mean(axis=1).argmin()]
    allowance = 2 * excess.std(axis=1) / np.sqrt(labels.shape[0])
    return float(_SHARPNESSES[np.argmax(excess.mean(axis=1) <= allowance)])


def fit_sigmoids(margins: Floats, labels: Bools) -> Sigmoids:
    count = labels.shape[1]
    slopes = np.full(count, DEFAULT_SLOPE, dtype=np.float32)
    offsets = np.zeros(count, dtype=np.float32)
    for column in range(count):
        if labels[:, column].sum() >= POSITIVES_FOR_A_SIGMOID:
            slopes[column], offsets[column] = _fit_sigmoid(margins[:, column], labels[:, column])
    unset = Sigmoids(slopes, offsets, np.full(count, DEFAULT_THRESHOLD, dtype=np.float32))
    return Sigmoids(slopes, offsets, fit_thresholds(unset.probabilities(margins), labels))


def default_sigmoids(count: int) -> Sigmoids:
    """For too few documents to fit anything."""
    slopes = np.full(count, DEFAULT_SLOPE, dtype=np.float32)
    return Sigmoids(slopes, np.zeros_like(slopes), np.full_like(slopes, DEFAULT_THRESHOLD))


def fit_thresholds(probabilities: Floats, labels: Bools) -> Floats:
    """Half-way between each label's best threshold and the best common one: a label's own optimum is noisy."""
    per_label = np.stack([_f1(probabilities >= threshold, labels) for threshold in _THRESHOLDS])
    together = np.array([_micro_f1(probabilities >= threshold, labels) for threshold in _THRESHOLDS])
    # A mean over neighbours, so that one lucky document does not place the threshold.
    padded = np.pad(per_label, ((1, 1), (0, 0)), mode="edge")
    own = _best_thresholds((padded[:-2] + padded[1:-1] + padded[2:]) / 3)
    common = _best_thresholds(together[:, np.newaxis])
    rare = labels.sum(axis=0) < POSITIVES_FOR_A_SIGMOID
    result: Floats = np.where(rare, DEFAULT_THRESHOLD, (own + common) / 2).astype(np.float32)
    return result


def _best_thresholds(scores: Doubles) -> Doubles:
    """For each column the threshold with the best score; of equally good ones that nearest to the default."""
    ties = scores >= scores.max(axis=0) - 1e-9
    distance = np.abs(_THRESHOLDS - DEFAULT_THRESHOLD)[:, np.newaxis]
    result: Doubles = _THRESHOLDS[np.where(ties, distance, np.inf).argmin(axis=0)]
    return result


def _fit_sigmoid(margins: Floats, labels: Bools) -> tuple[float, float]:
    from scipy.optimize import minimize

    positives = int(labels.sum())
    negatives = labels.size - positives
    targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    points = margins.astype(np.float64)

    def loss(parameters: Doubles) -> tuple[float, Doubles]:
        logits = parameters[0] * points + parameters[1]
        value = float((np.logaddexp(0, logits) - targets * logits).sum())
        slack = _sigmoid(logits) - targets
        return value, np.array([float((slack * points).sum()), float(slack.sum())])

    slope, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(slope), float(offset)


def _log_losses(margins: Floats, labels: Bools, sharpness: float) -> Doubles:
    true_class = softmax(margins, sharpness)[np.arange(labels.shape[0]), labels.argmax(axis=1)]
    result: Doubles = -np.log(np.maximum(true_class.astype(np.float64), 1e-12))
    return result


def _sigmoid(logits: npt.NDArray[np.floating]) -> Doubles:
    # Written with tanh, which does not overflow.
    result: Doubles = 0.5 * (1 + np.tanh(0.5 * logits.astype(np.float64)))
    return result


def _f1(predicted: Bools, labels: Bools) -> Doubles:
    hits = (predicted & labels).sum(axis=0)
    result: Doubles = 2 * hits / np.maximum(predicted.sum(axis=0) + labels.sum(axis=0), 1)
    return result


def _micro_f1(predicted: Bools, labels: Bools) -> float:
    return float(2 * (predicted & labels).sum() / max(int(predicted.sum() + labels.sum()), 1))
