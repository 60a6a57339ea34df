# Everything that a person or CI runs. `make` alone lists the targets.
.PHONY: help install build demo test test-cluster clean image test-image fuzz bench bench-quick
.DEFAULT_GOAL := help

# npm scripts and the tools below find the project's own Node 24 here first.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

install: ## install what a build needs: Debian packages (as root) and npm packages
	@scripts/install

build: install ## compile the native parts and bundle the command line
	@echo "==> native: netlink addon and sluice-cni"
	@$(MAKE) --no-print-directory -C native
	@echo "==> dist: command line"
	@npm run --silent build

demo: build ## two nodes, three tiers, four steps: policy in the real kernel (about a minute)
	@bin/sluice demo

test: build ## format, lint, types, then every test, the kernel's included (root, under 8 minutes)
	@echo "==> format, lint, types"
	@npm run --silent format:check
	@npm run --silent lint
	@npm run --silent typecheck
	@[ "$$(id -u)" = 0 ] || { echo "sluice: the kernel tests make network namespaces: run make test as root, or npm run test:unit without them." >&2; exit 1; }
	@test/runtimes/packages || true
	@echo "==> tests"
	@npm test --silent

fuzz: build ## a million odd inputs for whatever reads what others wrote (about 5 minutes)
	@scripts/install-clang
	@echo "==> sluice-cni and the netlink addon, with libFuzzer"
	@$(MAKE) --no-print-directory -s -C native fuzz
	@echo "==> readers of netlink, nftables, packets, CNI requests, manifests, the API"
	@node test/fuzz/main.ts 500000

test-cluster: build ## a real control plane and two kubelets run Sluice (root; 6 to 8 minutes, 8 more the first time)
	@test/real-cluster/build
	@npx --no-install vitest run --config test/real-cluster/vitest.config.ts --root .

bench: build ## every figure beside its baseline, into bench/results and docs/performance.md (root, under 30 minutes)
	@bench/packages
	@node bench/main.ts

bench-quick: build ## the same with fewer rounds (root, under 3 minutes)
	@bench/packages
	@node bench/main.ts --quick

image: ## say how to build the image where there is a container engine
	@echo 'docker build -t localhost/sluice:0.1.0 .    then see docs/installing.md'

test-image: install ## carry out the Dockerfile's steps in a chroot (root, about 80 seconds)
	@node scripts/run-dockerfile.ts "$$(mktemp -d)"

clean: ## remove what was built
	@rm -rf dist node_modules && $(MAKE) --no-print-directory -C native clean
