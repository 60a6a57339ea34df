# Builds the image that deploy/sluice.yaml runs: `docker build -t localhost/sluice:0.1.0 .`
# scripts/run-dockerfile.ts carries out the same steps in a chroot, where there is no container engine;
# it knows the instructions used here, and refuses others.

FROM debian:bookworm-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
  ca-certificates gcc libc6-dev linux-libc-dev make musl-tools nodejs npm containernetworking-plugins
WORKDIR /build
# What changes least comes first, so that a change of the sources builds from here on.
COPY package.json package-lock.json ./
# The link as well: npm 9, which Debian has, takes it away together with the package of the other architecture.
RUN npm ci --no-audit --no-fund --loglevel=error && \
  ln -sf /build/node_modules/node-linux-*/bin/node node_modules/.bin/node
COPY LICENSE tsconfig.json ./
COPY native native
COPY scripts scripts
COPY src src
RUN make -C native && npm run --silent build
RUN scripts/image-root /image

# No distribution, no shell, no package manager: what Sluice needs to run, and nothing else.
FROM scratch
COPY --from=build /image/ /
# With 100,000 pods these save more than 100 MB: V8 collects its young generation before it has grown as far, and
# the C library keeps one heap instead of one a thread (bench/kubernetes-source.ts).
ENV NODE_OPTIONS=--max-semi-space-size=4 MALLOC_ARENA_MAX=1
# Root, because the agent writes the node's /run/sluice, /etc/cni/net.d and /opt/cni/bin, which are root's, and
# because Kubernetes gives capabilities to no other user. deploy/sluice.yaml takes all but two of them away.
USER 0:0
ENTRYPOINT ["/usr/bin/sluice"]
