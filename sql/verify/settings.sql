-- Verify novatune:settings on pg

begin;

do $$
begin
    assert (select count(deletion_grace) = 1 from novatune.settings), 'novatune.settings has not its one row';
end
$$;

rollback;
