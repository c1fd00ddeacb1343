# One image for every process: `docker run IMAGE serve`, `… edge`, `… controller`, `… broker`.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/campusgate
COPY constraints/runtime.txt constraints/runtime.txt
RUN /opt/campusgate/bin/pip install --no-cache-dir --no-deps --require-hashes -r constraints/runtime.txt
COPY . .
RUN /opt/campusgate/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# A fixed number: files in volumes keep their owner when the image is built anew, and rootless engines can map it.
RUN groupadd --gid 10001 campusgate \
    && useradd --uid 10001 --gid 10001 --create-home --home-dir /var/lib/campusgate campusgate
COPY --from=build /opt/campusgate /opt/campusgate
ENV PATH=/opt/campusgate/bin:$PATH \
    CAMPUSGATE_DATA_DIR=/var/lib/campusgate/data \
    CAMPUSGATE_CACHE_DIR=/var/lib/campusgate/cache \
    CAMPUSGATE_SERVER_HOST=0.0.0.0
USER 10001:10001
VOLUME /var/lib/campusgate
EXPOSE 8080
# What systemd is told by its watchdog: a process that goes on touches the file every five seconds while its loops turn.
# A container that runs a command which ends says --no-healthcheck.
ENV CAMPUSGATE_HEARTBEAT_FILE=/dev/shm/campusgate-heartbeat
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, time; f = os.stat(os.environ['CAMPUSGATE_HEARTBEAT_FILE']); raise SystemExit(abs(time.time() - f.st_mtime) > 30)"]
ENTRYPOINT ["campusgate"]
CMD ["serve"]
