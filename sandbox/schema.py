"""The tables of the sandbox's SQLite file. Times are unix seconds of the simulated clock."""

VERSION = 1
"""Rises when a table changes; new tables are added to an older file."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, nickname TEXT NOT NULL, phone TEXT, unionid TEXT,
  risk_rank INTEGER NOT NULL DEFAULT 0, virtual_of INTEGER REFERENCES users(id), created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS openids (
  appid TEXT NOT NULL, openid TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES users(id),
  PRIMARY KEY (appid, openid), UNIQUE (appid, user_id));
CREATE TABLE IF NOT EXISTS follows (
  appid TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES users(id), followed_at REAL NOT NULL,
  scene TEXT NOT NULL, qr_scene INTEGER NOT NULL DEFAULT 0, qr_scene_str TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (appid, user_id));
CREATE TABLE IF NOT EXISTS blocks (
  appid TEXT NOT NULL, user_id INTEGER NOT NULL REFERENCES users(id), PRIMARY KEY (appid, user_id));
CREATE TABLE IF NOT EXISTS visits (
  appid TEXT NOT NULL, user_id INTEGER NOT NULL, visited_at REAL NOT NULL, PRIMARY KEY (appid, user_id));
CREATE TABLE IF NOT EXISTS sessions (
  appid TEXT NOT NULL, user_id INTEGER NOT NULL, session_key TEXT NOT NULL, expires_at REAL NOT NULL,
  PRIMARY KEY (appid, user_id));
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, appid TEXT NOT NULL, kind TEXT NOT NULL, minted_at REAL NOT NULL,
  expires_at REAL NOT NULL, replaced INTEGER NOT NULL DEFAULT 0, sequence INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS tokens_by_account ON tokens (appid, kind, sequence);
CREATE TABLE IF NOT EXISTS codes (
  code TEXT PRIMARY KEY, kind TEXT NOT NULL, appid TEXT NOT NULL, user_id INTEGER NOT NULL,
  scope TEXT NOT NULL DEFAULT '', expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS user_tokens (
  access_token TEXT PRIMARY KEY, refresh_token TEXT NOT NULL, appid TEXT NOT NULL, user_id INTEGER NOT NULL,
  scope TEXT NOT NULL, expires_at REAL NOT NULL, refresh_expires_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS user_tokens_by_refresh ON user_tokens (refresh_token);
CREATE TABLE IF NOT EXISTS jsapi_tickets (
  ticket TEXT PRIMARY KEY, appid TEXT NOT NULL, expires_at REAL NOT NULL, replaced INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS qr_tickets (
  ticket TEXT PRIMARY KEY, appid TEXT NOT NULL, url TEXT NOT NULL UNIQUE, scene TEXT NOT NULL,
  is_text INTEGER NOT NULL, expires_at REAL);
CREATE TABLE IF NOT EXISTS links (
  url TEXT PRIMARY KEY, kind TEXT NOT NULL, appid TEXT NOT NULL, path TEXT NOT NULL, query TEXT NOT NULL,
  expires_at REAL);
CREATE TABLE IF NOT EXISTS menus (
  id INTEGER PRIMARY KEY AUTOINCREMENT, appid TEXT NOT NULL, buttons TEXT NOT NULL, matchrule TEXT);
CREATE TABLE IF NOT EXISTS tags (
  appid TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (appid, id), UNIQUE (appid, name));
CREATE TABLE IF NOT EXISTS tag_members (
  appid TEXT NOT NULL, tag_id INTEGER NOT NULL, user_id INTEGER NOT NULL, PRIMARY KEY (appid, tag_id, user_id));
CREATE TABLE IF NOT EXISTS templates (
  appid TEXT NOT NULL, template_id TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL,
  keys TEXT NOT NULL, choices TEXT NOT NULL, PRIMARY KEY (appid, template_id));
CREATE TABLE IF NOT EXISTS grants (
  appid TEXT NOT NULL, openid TEXT NOT NULL, template_id TEXT NOT NULL, balance INTEGER NOT NULL,
  PRIMARY KEY (appid, openid, template_id));
CREATE TABLE IF NOT EXISTS client_messages (
  appid TEXT NOT NULL, openid TEXT NOT NULL, client_msg_id TEXT NOT NULL, msgid INTEGER NOT NULL, sent_at REAL NOT NULL,
  PRIMARY KEY (appid, openid, client_msg_id));
CREATE TABLE IF NOT EXISTS reply_windows (
  appid TEXT NOT NULL, user_id INTEGER NOT NULL, kind TEXT NOT NULL, expires_at REAL NOT NULL,
  remaining INTEGER NOT NULL, PRIMARY KEY (appid, user_id, kind));
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, channel TEXT NOT NULL, appid TEXT NOT NULL,
  title TEXT NOT NULL, fields TEXT NOT NULL, text TEXT NOT NULL, url TEXT, page TEXT, stripped TEXT NOT NULL,
  sent_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_user ON messages (user_id, id);
CREATE TABLE IF NOT EXISTS sms (
  id INTEGER PRIMARY KEY AUTOINCREMENT, phone TEXT NOT NULL, template TEXT NOT NULL, params TEXT NOT NULL,
  text TEXT NOT NULL, sent_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS counters (
  name TEXT NOT NULL, period TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (name, period));
CREATE TABLE IF NOT EXISTS transfers (
  id INTEGER PRIMARY KEY AUTOINCREMENT, out_bill_no TEXT NOT NULL UNIQUE, transfer_bill_no TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL, appid TEXT NOT NULL, openid TEXT NOT NULL, amount INTEGER NOT NULL, remark TEXT NOT NULL,
  perception TEXT NOT NULL, fingerprint TEXT NOT NULL, notify_url TEXT NOT NULL, state TEXT NOT NULL,
  is_held INTEGER NOT NULL DEFAULT 0, is_locked INTEGER NOT NULL DEFAULT 0, package_info TEXT, fail_reason TEXT,
  created_at REAL NOT NULL, updated_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS transfers_by_user ON transfers (user_id);
CREATE INDEX IF NOT EXISTS transfers_open ON transfers (state)
  WHERE state NOT IN ('SUCCESS', 'FAIL', 'CANCELLED');
CREATE TABLE IF NOT EXISTS pay_flows (
  id INTEGER PRIMARY KEY AUTOINCREMENT, flow_no TEXT NOT NULL, kind TEXT NOT NULL, out_bill_no TEXT NOT NULL,
  transfer_bill_no TEXT NOT NULL, amount INTEGER NOT NULL, balance INTEGER NOT NULL, booked_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pay_keys (out_bill_no TEXT PRIMARY KEY, business_key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS pay_keys_by_key ON pay_keys (business_key);
CREATE TABLE IF NOT EXISTS pay_alarms (
  first TEXT NOT NULL, second TEXT NOT NULL, business_key TEXT NOT NULL, amount INTEGER NOT NULL, at REAL NOT NULL,
  PRIMARY KEY (first, second));
CREATE TABLE IF NOT EXISTS pay_notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT, notice_id TEXT NOT NULL, out_bill_no TEXT NOT NULL, appid TEXT NOT NULL,
  openid TEXT NOT NULL, url TEXT NOT NULL, fields TEXT NOT NULL, created_at REAL NOT NULL, due_at REAL NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS receipts (
  out_bill_no TEXT PRIMARY KEY, is_held INTEGER NOT NULL, fail_reason TEXT, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS pay_notices_waiting ON pay_notices (due_at) WHERE status = 'waiting';
"""

TABLES = (
    "openids", "follows", "blocks", "visits", "sessions", "tokens", "codes", "user_tokens", "jsapi_tickets",
    "qr_tickets", "links", "menus", "tags", "tag_members", "templates", "grants", "client_messages",
    "reply_windows", "messages", "sms", "counters", "transfers", "pay_flows",
    "pay_keys", "pay_alarms", "pay_notices", "receipts", "users",
)  # fmt: skip
"""All tables that a reset empties; ``meta`` stays."""
