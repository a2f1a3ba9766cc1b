# Recipes of a day; `just` lists them. Each is one cargo command that can be typed as well.

_list:
    @just --list --unsorted

# Check that everything compiles, tests and benchmarks too.
check:
    cargo check --workspace --all-targets

# Format, then lint as the pipeline does.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Run all tests, or those whose names contain FILTER.
test *FILTER:
    cargo test --workspace {{FILTER}}

# Try each reader of untrusted bytes for SECONDS with inputs that nobody wrote; each run has a new seed.
fuzz SECONDS="3600":
    CLOUDTALLY_FUZZ_SECONDS={{SECONDS}} CLOUDTALLY_FUZZ_SEED=$(date +%s) cargo test --workspace fuzzed -- --nocapture

# Lead RUNS seeded lives of a folder under faults of its disk; the counts stand at the end.
faults RUNS="100000":
    CLOUDTALLY_FAULT_RUNS={{RUNS}} cargo test --workspace --test faults -- --nocapture

# Write docs/ anew from the tables of commands, objects and settings.
docs:
    UPDATE_DOCS=1 cargo test --workspace --test it docs::

# Run the whole thing on a simulated month, then serve it.
demo:
    cargo run --release -- demo

# Run the examples: five events folded, a machine deployed in memory, a toy on the engine.
examples:
    cargo run --package cloudtally-aggregate --example fold_events
    cargo run --package cloudtally-platform --example deploy_vm
    cargo run --package cloudtally-engine --example toy

# Run everything that must hold before a change lands.
ci:
    .ci/run
