# The image of the operator: one static program and nothing else.
#
#   docker build -t gungnir .
FROM docker.io/library/rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /source
COPY . .
# At a fixed address, as Go's programs are (kubectl, helm): nothing is relocated at each start, which
# would take a seventh of the time of `gungnir render`.
ENV RUSTFLAGS="-C relocation-model=static"
# Dependencies are kept between builds; the program is not in the cache, so it is copied out.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --locked --release --bin gungnir && cp target/release/gungnir /gungnir

# The scenarios make their image of these lines, with a static program of their own.
FROM scratch
COPY --from=build /gungnir /gungnir
# Nobody, by number: there is no passwd to look a name up in.
USER 65532:65532
ENTRYPOINT ["/gungnir"]
