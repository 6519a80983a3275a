-- Deploy novatune:schema to pg

begin;

-- Object keys are measured in UTF-8 bytes and searched for control
-- characters; in any other encoding both checks would judge wrongly.
do $$
begin
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'database "%" is encoded in %, NovaTune needs UTF8',
            current_database(), current_setting('server_encoding')
            using errcode = 'feature_not_supported',
                  hint = 'Create it with: createdb --encoding=UTF8 --template=template0 NAME';
    end if;
end
$$;

create schema novatune;

comment on schema novatune is
    'NovaTune Stream: listeners, their tracks, and who may stream which track.';

commit;
