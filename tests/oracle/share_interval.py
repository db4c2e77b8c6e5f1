"""The interval of an area or share by its draws' deviation, and the chance of as much where it is one half."""

from scipy import special, stats


def share_interval(value, deviation, level=0.95):
    """On the scale of log odds, where the error is the derivative's times the deviation."""
    odds, error = special.logit(value), deviation / (value * (1 - value))
    return special.expit(stats.norm.interval(level, odds, error)), 2 * stats.norm.sf(abs(odds) / error)
