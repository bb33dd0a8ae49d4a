"""The packages that learning needs and the default install does not have."""

from voltherd.errors import UsageError


def need_learn() -> None:
    """Check that scikit-learn is there.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "learned estimates need scikit-learn", mend="pip install 'voltherd[learn]'"
        ) from error
