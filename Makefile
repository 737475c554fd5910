# Everything in a private .venv from hashed locks; a second run finds it made and starts at once.
PYTHON ?= python3
CORPORA ?= ../shared/corpora
export CORPORA  # tests/test_card.py repeats the card's figures on them, where they are
BIN = .venv/bin

demo: .venv/runtime
	@$(BIN)/lampkeeper demo

test: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses auto
	$(MAKE) --no-print-directory wheel

# The wheel, as a user would get it, answers from an environment that has nothing of this folder.
wheel: .venv/dev
	rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m hatchling build -t wheel -d build/wheel
	$(PYTHON) -m venv build/wheel/env
	build/wheel/env/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	build/wheel/env/bin/pip install --quiet --disable-pip-version-check --no-deps build/wheel/*.whl
	cd build/wheel && env/bin/lampkeeper --help >/dev/null && env/bin/lampkeeper demo --speed 0 >/dev/null
	@echo "the wheel answers"

bench: .venv/dev soak
	$(BIN)/python tests/bench.py $(CORPORA)

# A minute of 2,000 messages a second on Discord, and of 500 on Slack: nothing lost, nothing doubled, and what it costs
# beside discord.py and slack-bolt.
soak: .venv/dev
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.soak_slack

# kill -9 at 200 random moments in a run of alerts, presses and exports: nothing lost, doubled or unverifiable.
kill: .venv/dev
	$(BIN)/python -m tests.kill

# How much of the two platforms' code stands once, and what stands twice.
share: .venv/dev
	$(BIN)/python -m tests.share

model: .venv/runtime
	$(BIN)/lampkeeper train $(CORPORA)/pj_train_*.jsonl.xz $(CORPORA)/benign_*.jsonl.xz $(CORPORA)/pan12_*.jsonl.xz \
	  --validate $(CORPORA)/dialogues_dev.jsonl.xz --validate $(CORPORA)/pj_dev_predators.jsonl.xz --out core/data/model
	$(MAKE) --no-print-directory docs/model.md

# The model's page, from its card; a test holds them equal.
docs/model.md: core/data/model/card.json
	$(BIN)/lampkeeper model --markdown > $@.new
	mv $@.new $@

# Every Discord command, from the commands themselves; a test holds them equal.
docs/discord_cards.md: $(wildcard bots/discord_bot/*.py) core/casework/cards.py bots/texts/en.toml
	$(BIN)/python -m bots.discord_bot.cards_page > $@.new
	mv $@.new $@

# The same for Slack.
docs/slack_cards.md: bots/slack_app/card.py bots/slack_app/cards_page.py bots/slack_app/markup.py bots/common/face.py bots/texts/en.toml
	$(BIN)/python -m bots.slack_app.cards_page > $@.new
	mv $@.new $@

docs/discord_commands.md: $(wildcard bots/discord_bot/slash/*.py) bots/discord_bot/commands_page.py bots/texts/en.toml
	$(BIN)/python -m bots.discord_bot.commands_page > $@.new
	mv $@.new $@

# Every Slack command, from the code's own table; a test holds them equal.
docs/slack_commands.md: $(wildcard bots/slack_app/commands/*.py) bots/slack_app/commands_page.py bots/texts/en.toml
	$(BIN)/python -m bots.slack_app.commands_page > $@.new
	mv $@.new $@

# What is kept, how long, and how it goes, from the rules; a test holds them equal.
docs/privacy.md: core/retention/rules.py core/retention/page.py core/retention/keeping.py core/retention/forgetting.py
	$(BIN)/python -m core.retention.page > $@.new
	mv $@.new $@

# The way of a case and the commands for it, from the table of its states and the command line; a test holds them equal.
docs/cases.md: core/casework/transitions.py bots/cli.py $(wildcard bots/commands/cases/*.py)
	$(BIN)/python -m bots.commands.cases.page > $@.new
	mv $@.new $@

# The Slack app's manifests and the page of its scopes, from the code's own tables; a test holds them equal.
docs/slack_scopes.md: bots/slack_app/manifest.py bots/slack_app/scopes_page.py
	$(BIN)/lampkeeper slack manifest > docs/slack_manifest.yaml
	$(BIN)/lampkeeper slack manifest --http https://lampkeeper.example > docs/slack_manifest_http.yaml
	$(BIN)/python -m bots.slack_app.scopes_page > $@.new
	mv $@.new $@

# The record of a case, from the code; a test holds them equal.
docs/case_record.md: core/export/record.py core/export/record_page.py core/export/example.py
	$(BIN)/python -m core.export.record_page > $@.new
	mv $@.new $@

lock:
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header -q -c requirements.lock -o requirements-dev.lock

.venv/runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@


picture: .venv/dev
	$(BIN)/python docs/draw_card.py >/dev/null

.PHONY: demo test wheel bench soak kill share model lock picture
.DEFAULT_GOAL := demo
