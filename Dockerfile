# One image for each program; docs/deploy.md says how they are built and verified.
#
#   docker build --target gateway --tag fractal-lba/gateway .        (or: podman build --format docker …)
#
# The base has Node at /nodejs/bin/node, libc and nothing else: no shell, no package manager. Both are arguments: a
# release resolves the base to a digest, verifies its signature and pins it; a closed network names its own mirror.
# Built behind a proxy that signs by itself: --secret id=ca,src=ca.pem; with a registry of one's own: --secret
# id=npmrc,src=.npmrc. Neither is left in an image.
ARG BUILD_IMAGE=docker.io/library/node:24-trixie-slim
ARG BASE_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

# What decides which packages are installed, so that another line of code installs nothing anew. These stages run on the
# builder's own processor, whatever the images are for: what differs are packages with machine code, and npm takes those
# of the target.
FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete \
    && find . -type d -empty -delete

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY --from=manifests /src ./
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npx tsc -b gateway services/wal services/verifier services/dedup services/signal-scoring packages/cli \
    && mkdir -p /empty/data

FROM build AS gateway-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/gateway

FROM build AS wal-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/wal-service @fractal-lba/cli

FROM build AS verifier-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/verifier-service

FROM build AS dedup-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/dedup-service

FROM build AS signal-scoring-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/signal-scoring-service

FROM build AS tools-tree
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
    NODE_EXTRA_CA_CERTS=/run/secrets/ca node images/tree.mjs /out @fractal-lba/cli

FROM ${BASE_IMAGE} AS base
ARG VERSION=0.0.0-local
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=""
ARG BASE_IMAGE
ARG BASE_DIGEST=""
LABEL org.opencontainers.image.vendor="Fractal LBA" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.created="${CREATED}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.base.name="${BASE_IMAGE}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
ENV NODE_ENV=production PATH=/app/bin:/nodejs/bin:/usr/local/bin:/usr/bin:/bin DATA_DIR=/data
# Owned by the user of the image, so that a new volume is too.
COPY --from=build --chown=65532:65532 /empty/data /data
USER 65532:65532
WORKDIR /app
# It answers; whether it is ready to serve is another question: healthy.mjs ready.
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s --retries=3 \
    CMD ["/nodejs/bin/node", "/app/images/healthy.mjs"]

FROM base AS gateway
LABEL org.opencontainers.image.title="fractal-lba-gateway" \
    org.opencontainers.image.description="HTTP and gRPC front of Fractal LBA"
ENV HOST=0.0.0.0 PORT=8080 METRICS_ADDR=0.0.0.0:9081
EXPOSE 8080 8081 9081
COPY --from=gateway-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/gateway/dist/main.js"]

FROM base AS wal
LABEL org.opencontainers.image.title="fractal-lba-wal" \
    org.opencontainers.image.description="The log of Fractal LBA, with the pcs command"
ENV GRPC_ADDR=0.0.0.0:8082 METRICS_ADDR=0.0.0.0:9082 WAL_DIR=/data/wal
EXPOSE 8082 9082
COPY --from=wal-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/services/wal/dist/main.js"]

FROM base AS verifier
LABEL org.opencontainers.image.title="fractal-lba-verifier" \
    org.opencontainers.image.description="Strict parse, validation and signatures of Fractal LBA"
ENV GRPC_ADDR=0.0.0.0:8083 METRICS_ADDR=0.0.0.0:9083
EXPOSE 8083 9083
COPY --from=verifier-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/services/verifier/dist/main.js"]

FROM base AS dedup
LABEL org.opencontainers.image.title="fractal-lba-dedup" \
    org.opencontainers.image.description="First write wins: the index of Fractal LBA"
ENV GRPC_ADDR=0.0.0.0:8084 METRICS_ADDR=0.0.0.0:9084
EXPOSE 8084 9084
COPY --from=dedup-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/services/dedup/dist/main.js"]

FROM base AS signal-scoring
LABEL org.opencontainers.image.title="fractal-lba-signal-scoring" \
    org.opencontainers.image.description="The judge of Fractal LBA"
ENV GRPC_ADDR=0.0.0.0:8085 METRICS_ADDR=0.0.0.0:9085
EXPOSE 8085 9085
COPY --from=signal-scoring-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/services/signal-scoring/dist/main.js"]

FROM base AS tools
LABEL org.opencontainers.image.title="fractal-lba-tools" \
    org.opencontainers.image.description="The pcs command: agent, check and the tools of operators"
ENV METRICS_ADDR=0.0.0.0:9086
EXPOSE 9086
HEALTHCHECK NONE
COPY --from=tools-tree /out /app
ENTRYPOINT ["/nodejs/bin/node", "--import", "/app/images/early-signals.mjs", "/app/packages/cli/dist/cli.js"]
CMD ["--help"]
