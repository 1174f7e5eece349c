create table t(id text, at timestamptz, d date, f float8, b bytea, span interval);
insert into t values('c1','2026-03-04 05:06:07+02','2026-03-04', 0.1234567890123456, '\x01ff', '1 day 02:00');
do $$ begin
  execute format('alter database %I set datestyle = %L', current_database(), 'German');
  execute format('alter database %I set timezone = %L', current_database(), 'Asia/Tokyo');
  execute format('alter database %I set client_encoding = %L', current_database(), 'LATIN1');
  execute format('alter database %I set intervalstyle = %L', current_database(), 'iso_8601');
  execute format('alter database %I set extra_float_digits = %L', current_database(), '0');
  execute format('alter database %I set bytea_output = %L', current_database(), 'escape');
end $$;
insert into t values('č2', null, null, null, null, null);
