"""Run folders → MLflow: a mirror that can be thrown away and made again, and that no training waits for."""
