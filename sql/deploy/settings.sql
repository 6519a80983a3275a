-- Deploy novatune:settings to pg
-- requires: schema

begin;

create table novatune.settings (
    only_row       boolean  not null default true,
    deletion_grace interval not null default '30 days',
    constraint settings_pkey primary key (only_row),
    constraint settings_only_row check (only_row),
    constraint settings_deletion_grace_up_to_10_years
        check (deletion_grace >= '0' and deletion_grace <= '10 years')
);

comment on table novatune.settings is
    'What the database''s own rules go by: one row, one column a setting.';
comment on column novatune.settings.only_row is
    'Always true, so that there is one row.';
comment on column novatune.settings.deletion_grace is
    'How long a deleted track may be restored. Holds for what is deleted from now on; 0 to 10 years.';

insert into novatune.settings default values;

create function novatune.refuse_to_lose_settings() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'the row of % may be changed, not removed', tg_relid::regclass
        using errcode = 'restrict_violation', hint = 'Use update.';
end
$$;

comment on function novatune.refuse_to_lose_settings() is
    'Trigger: refuses to remove the row of settings.';

revoke all on function novatune.refuse_to_lose_settings() from public;

create trigger settings_stay
    before delete or truncate on novatune.settings
    for each statement
    execute function novatune.refuse_to_lose_settings();

comment on trigger settings_stay on novatune.settings is
    'The rules need their row.';

commit;
