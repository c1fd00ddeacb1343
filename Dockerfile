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
# Of the server; a container that runs another command says --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=3)"]
ENTRYPOINT ["campusgate"]
CMD ["serve"]
