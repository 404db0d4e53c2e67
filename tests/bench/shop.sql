-- A shop with :n orders: five tables, seven indexes besides the keys, four foreign keys.
CREATE TABLE customers (id bigint NOT NULL, email text NOT NULL, name text NOT NULL, country char(2) NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE products (id bigint NOT NULL, sku text NOT NULL, title text NOT NULL, price numeric(10,2) NOT NULL, tags text[] NOT NULL);
CREATE TABLE orders (id bigint NOT NULL, customer_id bigint NOT NULL, state text NOT NULL, total numeric(12,2) NOT NULL, created_at timestamptz NOT NULL);
CREATE TABLE order_items (id bigint NOT NULL, order_id bigint NOT NULL, product_id bigint NOT NULL, quantity int NOT NULL, price numeric(10,2) NOT NULL);
CREATE TABLE events (id bigint NOT NULL, order_id bigint, kind text NOT NULL, body jsonb NOT NULL, at timestamptz NOT NULL);

INSERT INTO customers
  SELECT i, 'user' || i || '@example.org', 'Customer ' || md5(i::text), (array['DE','FR','GB','US','JP'])[1 + i % 5],
    timestamptz '2024-01-01' + i * interval '13 s'
  FROM generate_series(1, (:n / 10)::bigint) i;
INSERT INTO products
  SELECT i, 'SKU-' || i, 'Product ' || md5(i::text), (i % 10000) / 100.0 + 1, array['a' || i % 7, 'b' || i % 11]
  FROM generate_series(1, (:n / 100 + 1)::bigint) i;
INSERT INTO orders
  SELECT i, 1 + (i * 7919) % (:n / 10), (array['new','paid','sent','done'])[1 + i % 4], (i % 100000) / 100.0,
    now() - (:n - i) * interval '1 ms'
  FROM generate_series(1, :n::bigint) i;
INSERT INTO order_items
  SELECT i, 1 + (i * 104729) % :n, 1 + (i * 31) % (:n / 100), 1 + i % 5, (i % 10000) / 100.0
  FROM generate_series(1, 3 * :n::bigint) i;
INSERT INTO events
  SELECT i, 1 + (i * 15485863) % :n, (array['created','paid','packed','sent','note'])[1 + i % 5],
    jsonb_build_object('actor', md5(i::text), 'ip', '10.' || i % 256 || '.' || (i / 256) % 256 || '.1',
      'text', repeat(md5((i * 3)::text) || ' ', 4)),
    timestamptz '2024-01-01' + i * interval '2 s'
  FROM generate_series(1, :n::bigint) i;

ALTER TABLE customers ADD PRIMARY KEY (id), ADD UNIQUE (email);
ALTER TABLE products ADD PRIMARY KEY (id), ADD UNIQUE (sku);
ALTER TABLE orders ADD PRIMARY KEY (id), ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_items ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders,
  ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE events ADD PRIMARY KEY (id), ADD FOREIGN KEY (order_id) REFERENCES orders;
CREATE INDEX ON customers (created_at);
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON orders (created_at);
CREATE INDEX ON order_items (order_id);
CREATE INDEX ON order_items (product_id);
CREATE INDEX ON events (order_id);
CREATE INDEX ON events (kind, at);
