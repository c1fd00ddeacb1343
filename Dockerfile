# One image for every process: `docker run IMAGE serve`, `… edge`, `… controller`, `… broker`.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/campusgate
COPY constraints/runtime.txt constraints/runtime.txt
RUN /opt/campusgate/bin/pip install --no-cache-dir --no-deps --require-hashes -r constraints/runtime.txt
COPY . .
RUN /opt/campusgate/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/campusgate campusgate
COPY --from=build /opt/campusgate /opt/campusgate
ENV PATH=/opt/campusgate/bin:$PATH \
    CAMPUSGATE_DATA_DIR=/var/lib/campusgate/data \
    CAMPUSGATE_CACHE_DIR=/var/lib/campusgate/cache \
    CAMPUSGATE_SERVER_HOST=0.0.0.0
USER campusgate
VOLUME /var/lib/campusgate
EXPOSE 8080
ENTRYPOINT ["campusgate"]
CMD ["serve"]
