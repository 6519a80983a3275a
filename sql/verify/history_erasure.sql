-- Verify novatune:history_erasure on pg

begin;

select subject_kind, subject_id, position, salt, digest, erased_at from novatune.history_digests where false;
select has_function_privilege('novatune.erase_history_entry(novatune.subject_kind, novatune.ulid, bigint)', 'execute');

do $$
begin
    assert has_function_privilege('novatune_dba', 'novatune.erase_person(novatune.ulid)', 'execute')
        and has_function_privilege('novatune_dba', 'novatune.erase_history_before(timestamptz, bigint)', 'execute'),
        'novatune_dba may not erase history';
end
$$;

rollback;
