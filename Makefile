# The two commands a newcomer needs. `justfile` names the same and more.
.PHONY: help run test

help:
	@echo "make run    build Tidemark and run the demo on http://127.0.0.1:8080"
	@echo "make test   check form and lints, and run all tests"

run:
	@scripts/setup run
	@scripts/run

test:
	@scripts/setup test
	@scripts/test
