"""Published observables: how they are run, measured, validated and fitted again."""
