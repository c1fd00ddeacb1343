"""One passage as a trace: what its events say of when each step was taken, told to a collector of OpenTelemetry."""
