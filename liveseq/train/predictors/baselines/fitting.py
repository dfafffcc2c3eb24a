"""Every baseline, fitted and tuned."""

from collections.abc import Sequence

import numpy as np

from liveseq.train.predictors.baselines.analogue import Analogue
from liveseq.train.predictors.baselines.autoregression import Forecast, Var, WithErrors, point_error
from liveseq.train.predictors.baselines.baseline import Baseline, examples
from liveseq.train.predictors.baselines.chain import Chain
from liveseq.train.predictors.scores import joint_nll

ORDERS = (1, 4, 16)
RIDGES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
N_STATES = (64, 128, 256)


def fit_all(fit_on: Sequence[np.ndarray], tune_on: Sequence[np.ndarray], *, seed: int) -> dict[str, Baseline]:
    """Every baseline by name. fit_on: training sequences (n_steps, D) begun at every hop; tune_on: validation ones."""

    def spread(forecast: Forecast) -> Baseline:
        return WithErrors.fit(forecast, fit_on, tune_on)

    fitted: dict[str, Baseline] = {
        "mean": spread(lambda contexts, ahead: np.zeros((len(contexts), contexts.shape[2]))),
        "persistence": spread(lambda contexts, ahead: contexts[:, -1]),
    }
    for order in ORDERS:
        candidates = Var.fit(fit_on, order=order, ridges=RIDGES)
        fitted[f"VAR({order})"] = spread(min(candidates, key=lambda var: point_error(var, tune_on)))
    fitted["analogue"] = Analogue.fit(fit_on, tune_on)
    chains = [Chain.fit(fit_on, n_states=k, seed=seed) for k in N_STATES]
    fitted["Markov chain"] = min(chains, key=lambda chain: _nll(chain, tune_on, seed=seed))
    return fitted


def _nll(baseline: Baseline, sequences: Sequence[np.ndarray], *, seed: int) -> float:
    contexts, targets = examples(sequences, ahead=1)
    outlook = baseline.outlook(contexts, ahead=1, rng=np.random.default_rng(seed))
    return float(joint_nll(outlook, targets).mean())
