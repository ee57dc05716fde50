-- +goose Up
CREATE TABLE saved_queries (id TEXT PRIMARY KEY CHECK (id <> ''), row TEXT NOT NULL) STRICT, WITHOUT ROWID;
