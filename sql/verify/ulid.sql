-- Verify novatune:ulid on pg

begin;

select '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'::novatune.ulid;

do $$
begin
    perform 'not a ulid'::novatune.ulid;
    raise exception 'domain novatune.ulid accepts what is not a ULID';
exception
    when check_violation then null;
end
$$;

rollback;
