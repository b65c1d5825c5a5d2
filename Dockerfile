# One image for the API, the workers and the migrations; the command says which. Built and used by docker-compose.yml.
FROM node:22-bookworm-slim AS page
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
# vite writes to ../backend/static
RUN npm run build

FROM python:3.12-slim-bookworm
# The CPU build of PyTorch. For NVIDIA cards: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY backend ./backend
COPY workers ./workers
COPY segmenter ./segmenter
COPY migrations ./migrations
COPY benchmarks ./benchmarks
COPY --from=page /src/backend/static ./backend/static
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -c constraints.txt . \
    && useradd --create-home --uid 10001 maskmill \
    && mkdir /data && chown maskmill /data
USER maskmill
ENV MASKMILL_DATA_DIR=/data MASKMILL_HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8600
CMD ["maskmill", "serve", "--no-browser"]
