# What is done often. Each is a script or one line: nothing here needs `just`.

# List the recipes
help:
    @just --list

# Build Tidemark and run the demo on http://127.0.0.1:8080
run *arguments:
    @scripts/setup run
    @scripts/run {{ arguments }}

# Check form and lints, and run all tests
test *arguments:
    @scripts/setup test
    @scripts/test {{ arguments }}

# Take the panel's journeys in a browser, against the real gateway
journeys *arguments:
    @scripts/setup test
    @scripts/journeys {{ arguments }}

# Take the pictures of the panel in docs/screenshots anew
screenshots:
    @scripts/setup test
    @scripts/screenshots

# Bring the code into form
format:
    cargo fmt --all

# Write what is generated and checked in: tests compare it and never rewrite it
generate:
    @scripts/generate

# Send 100,000 documents and bodies as each kind of caller; TIDEMARK_SOAK_SEED, which it prints, repeats a run
soak-requests requests="100000":
    TIDEMARK_SOAK_REQUESTS={{ requests }} TIDEMARK_SOAK_SEED=${TIDEMARK_SOAK_SEED:-$(date +%s)} cargo test --profile fast --test http -- --nocapture soak::

# Have graphql-js judge 10,000 generated documents beside the gateway; TIDEMARK_JUDGE_SEED, which it prints, repeats a run
soak-documents documents="10000":
    TIDEMARK_JUDGE_DOCUMENTS={{ documents }} TIDEMARK_JUDGE_SEED=${TIDEMARK_JUDGE_SEED:-$(date +%s)} scripts/clients

# Judge 200 generated images, with snapshots and damage, by qemu-img; TIDEMARK_SOAK_SEED, which it prints, repeats a run
soak-images images="200":
    TIDEMARK_SOAK_IMAGES={{ images }} TIDEMARK_SOAK_SEED=${TIDEMARK_SOAK_SEED:-$(date +%s)} cargo test --profile fast --workspace --test it -- --nocapture oracle::

# Check licences, advisories and banned crates (needs cargo-deny)
deny:
    cargo deny check

# Measure backups and restores beside other tools and the hardware (Markdown, for docs/performance.md)
bench-data *arguments:
    cargo bench --quiet --profile fast -p tidemark-agent --bench data -- {{ arguments }}

# Measure how long a snapshot takes from its mutation until a subscriber sees it (Markdown)
bench-snapshot:
    cargo build --quiet --profile fast --workspace --bins
    cargo test --quiet --profile fast --test e2e -- --ignored --nocapture latency::

# Measure how long an agent and a customer wait while 300 strangers sign in as fast as they can, for SOAK_SECONDS (30)
soak-sign-in:
    cargo build --quiet --profile fast --workspace --bins
    scripts/postgres run --durable cargo test --quiet --profile fast --test e2e -- --ignored --nocapture soak_a_flood_of_sign_ins

# Write so many events at two gateways on PostgreSQL that are killed and held up in turn, and follow them by cursors
soak-events events="100000":
    cargo build --quiet --profile fast --workspace --bins
    TIDEMARK_SOAK_EVENTS={{ events }} scripts/postgres run --durable cargo test --quiet --profile fast --test e2e -- --nocapture numbers::

# Fill a database of each kind with so many volumes and what belongs to them, print the slowest statements of all lists, agents and tasks, and judge each
soak-scale volumes="1000000":
    TIDEMARK_SCALE_VOLUMES={{ volumes }} scripts/postgres run cargo test --profile fast --test api -- --nocapture scale::

# Measure what the dearest legal documents of a customer cost the gateway, on both databases (Markdown)
bench-documents:
    cargo build --quiet --profile fast --workspace --bins
    scripts/postgres run --durable cargo test --quiet --profile fast --test e2e -- --ignored --nocapture cost::

# Measure the API beside the same page as one SQL statement, and beside Mercurius, on both databases (Markdown)
bench-api *arguments:
    @scripts/bench-api {{ arguments }}

# Measure operations from the mutation to COMPLETED on PostgreSQL, with simulated agents, and what their events cost (Markdown)
bench-operations *arguments:
    cargo bench --quiet --locked --workspace --profile fast --bench operations --no-run
    scripts/postgres run --durable cargo bench --quiet --locked --workspace --profile fast --bench operations -- {{ arguments }}

# Measure how the panel opens, and what following a backup costs the browser (Markdown)
bench-panel:
    @scripts/setup test
    @scripts/bench-panel

# Measure what a message of a stream costs, and how late a change shows at another gateway (Markdown)
bench-streams:
    scripts/postgres run --durable cargo test --quiet --profile fast --test api -- --ignored --nocapture --test-threads 1 stream_cost::

# Measure 10,000 sockets that watch running operations, beside a bare server that sends them the same bytes (Markdown)
bench-sockets *arguments:
    cargo bench --quiet --profile fast --workspace --bench sockets --no-run
    taskset -c 1 scripts/postgres run --durable cargo bench --quiet --profile fast --workspace --bench sockets -- {{ arguments }}
