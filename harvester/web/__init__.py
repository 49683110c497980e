"""Pages for a browser: what is bundled out of `web/` by `make vendor`, and how a page is put together of it."""
