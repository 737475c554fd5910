"""Lampkeeper's core: detection, scoring, alert policy and casework.

Pure and synchronous up to `core.engine`; `core.guard` is the one asyncio shell around it. Nothing here imports `bots`.
"""
