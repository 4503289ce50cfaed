"""The look of the pages: one quiet column, the network's colour as an accent, light and dark."""

STYLE = """
:root { --accent: #4b5563; --paper: #ffffff; --ground: #f3f4f6; --ink: #111827; --muted: #6b7280;
  --line: #e5e7eb; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --paper: #1b1f27; --ground: #101319; --ink: #e8eaee;
  --muted: #9aa3b2; --line: #2c323d; } }
.facebook { --accent: #1877f2; } .instagram { --accent: #c13584; } .x { --accent: #0f7fc4; }
.bluesky { --accent: #1083fe; } .mastodon { --accent: #6364ff; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 640px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 28px 0 8px; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
header { border-bottom: 3px solid var(--accent); padding-bottom: 12px; margin-bottom: 20px; }
.muted, footer, .lead, .empty { color: var(--muted); } header p, .lead { margin: 2px 0 0; }
.accounts { list-style: none; margin: 0; padding: 0; background: var(--paper);
  border: 1px solid var(--line); border-radius: 12px; }
.accounts li { padding: 10px 16px; } .accounts li + li { border-top: 1px solid var(--line); }
article { background: var(--paper); border: 1px solid var(--line); border-radius: 12px;
  padding: 14px 16px 10px; margin: 0 0 14px; scroll-margin-top: 16px; }
article:target { border-color: var(--accent); box-shadow: 0 0 0 2px var(--accent); }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 8px; }
.spoiler { font-weight: 600; margin: 0 0 6px; padding: 4px 10px; border-radius: 8px;
  background: var(--ground); }
.card { margin: 0 0 8px; padding: 8px 12px; border: 1px solid var(--line); border-radius: 8px;
  overflow-wrap: anywhere; }
.media { display: grid; gap: 4px; border-radius: 10px; overflow: hidden; margin: 0 0 8px; }
.media.n2, .media.n3, .media.n4 { grid-template-columns: 1fr 1fr; }
.media img, .media video { width: 100%; max-height: 520px; object-fit: cover; display: block; }
footer { font-size: 0.82rem; overflow-wrap: anywhere; } footer code { opacity: 0.7; }
.thread { margin: 12px 0 4px 4px; padding-left: 14px; border-left: 2px solid var(--line); }
.thread article { margin-bottom: 8px; padding: 10px 12px 8px; }
"""
