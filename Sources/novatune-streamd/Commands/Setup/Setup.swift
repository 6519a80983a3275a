import ArgumentParser
import Glibc
import KeyManagement
import Logging
import OperatorSettings
import StreamIssuing

/// Installs the service on a machine that has its package.
struct Setup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set up the database, the settings, nginx and the units, or undo it.",
        discussion: """
            Checks each answer as 'check' does, before it changes anything. Then it makes the database, its schema (by \
            sqitch) and the password of novatune_responder, the key ring, /etc/novatune/novatune.env and nginx's \
            configuration; runs 'check' as the account novatune and nginx -t; enables the units, reloads nginx and asks \
            for a first URL. It ends with the first step that fails; run again, it goes on from there. A step that is done \
            is left as it is. Other sites of nginx stay as they are. Run it as root.

            On a terminal it asks. With --answers, or without a terminal, it asks nothing. The answers are lines NAME=value: \
            settings of the service (novatune-streamd settings), of nginx (novatune-nginx --help), and these:
            \(SetupSetting.help)

            WHAT IS REQUIRED, at the first run: SETUP_DATABASE_OWNER_URL (PostgreSQL of this machine is found without), \
            NOVATUNE_S3_ENDPOINT, NOVATUNE_S3_BUCKET, NOVATUNE_S3_ACCESS_KEY_ID, NOVATUNE_S3_SECRET_ACCESS_KEY, \
            NOVATUNE_JWT_ISSUER, NOVATUNE_JWT_AUDIENCE, NOVATUNE_NGINX_SERVER_NAME, and NOVATUNE_NGINX_CERTIFICATE with \
            NOVATUNE_NGINX_CERTIFICATE_KEY, or NOVATUNE_NGINX_SCHEME=http behind a proxy that speaks TLS.

            WHAT FOLLOWS: the region from a host of Amazon, else us-east-1; NOVATUNE_JWT_DISCOVERY=on, unless the answers \
            say where the keys are; the key ring /etc/novatune/keys.json; certbot's certificate of the host name, where \
            there is one. What the files of settings have from before holds, unless an answer replaces it; an empty answer \
            (NAME=) takes a setting back to its default.

            --remove stops and disables the units and takes away what setup has made: nginx's files and the settings. \
            Schema and key ring stay; with --with-data they go, too, with all rows.

            EXAMPLES:
              novatune-streamd setup
              novatune-streamd setup --answers /root/novatune.answers --dry-run
              novatune-streamd setup --set NOVATUNE_CACHE_URL_FILE=/etc/novatune/cache-url
              novatune-streamd setup --remove --yes

            EXIT CODES: 0 done; 1 a step has failed; 64 the command line is not valid; 78 an answer is missing, not valid, \
            or does not work, and nothing has been changed.
            """
    )

    @Option(name: .long, help: ArgumentHelp("Read the answers from this file, and ask nothing.", valueName: "file"))
    var answers: String?

    @Option(name: .long, help: ArgumentHelp("An answer that is no secret; may be repeated.", valueName: "name=value"))
    var set: [String] = []

    @Flag(help: "Say what each step would do, and change nothing.")
    var dryRun = false

    @Flag(help: "Undo what setup has made.")
    var remove = false

    @Flag(help: "With --remove: also the schema with all rows, and the key ring.")
    var withData = false

    @Flag(help: "Ask for no confirmation.")
    var yes = false

    @Flag(help: "Give novatune_responder another password, though a responder is connected.")
    var newPassword = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The sqitch project (default: /usr/share/novatune/sql, or sql here).", valueName: "directory"))
    var sql: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What renders nginx's configuration (default: /usr/sbin/novatune-nginx, or nginx/render here).",
            valueName: "file"))
    var render: String?

    @Option(
        name: .long, help: ArgumentHelp("A listener's token, to ask for a URL and open the audio.", valueName: "file"))
    var tryTokenFile: String?

    @Option(name: .long, help: ArgumentHelp("A track that the listener may hear.", valueName: "ulid"))
    var tryTrack: String?

    func validate() throws {
        guard (tryTokenFile == nil) == (tryTrack == nil) else {
            throw ValidationError("--try-token-file and --try-track come together")
        }
        if let tryTrack, ULID(tryTrack) == nil { throw ValidationError("--try-track is not a ULID of 26 characters") }
        if withData, !remove { throw ValidationError("--with-data comes with --remove") }
    }

    func run() throws {
        do throws(SetupFailure) {
            guard geteuid() == 0 else {
                throw SetupFailure("setup changes the machine", advice: "run it as root: sudo novatune-streamd setup")
            }
            let run = try SetupRun(self)
            let isDone = remove ? try run.remove() : try run.setUp()
            guard !isDone else { return }
        } catch {
            Console.error(error.isReported ? "setup has ended there; what is done stays, run it again" : "\(error)")
            throw ExitCode.failure
        }
        throw SettingsOptions.invalidSettings
    }
}
