# The image of every role: wechat-sidecar proxy | hub | injector | simulator. It needs no shell, writes
# nothing to its file system, and runs as a user that owns nothing.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/globals.mjs ./scripts/
COPY src ./src
RUN npm run build

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="wechat-sidecar" \
      org.opencontainers.image.description="A sidecar and a central token server for the WeChat API" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# One arena for malloc: each of Node's threads would keep what it freed in one of its own. And blocks of 32 KiB or more are
# returned to the system when they are freed, such as those in which V8 compiles.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=32768
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/dist ./dist
COPY src/hub/page/assets ./src/hub/page/assets
# A number, so that Kubernetes can check runAsNonRoot without a look into /etc/passwd.
USER 65532:65532
# proxy (loopback only, unless told otherwise), admin, hub, injector, simulator
EXPOSE 3880 3881 3882 3883 3884
# A young generation of 3 MiB at most: more makes no call cheaper, and keeps the chunks of many uploads for too long, since V8
# frees them with it. By itself V8 would take up to 96 MiB.
ENTRYPOINT ["node", "--max-semi-space-size=1", "/app/dist/cli.js"]
CMD ["proxy"]
