import OperatorSettings
import PostgreSQLTrackStore
import StreamIssuing

/// What all steps share.
final class SetupContext {
    let paths: SetupPaths
    let runner: any CommandRunning
    let answers: SetupAnswers
    /// Settings that follow from the answers.
    let derived: [String: String]
    var record: SetupRecord
    /// The directory of the sqitch project.
    let schemaDirectory: String
    /// `novatune-nginx`, or `nginx/render` of a clone.
    let renderer: String
    /// This program.
    let program: String
    /// Gives the role another password, though it seems to be in use.
    let makesNewPassword: Bool
    /// Nil where the schema is none of setup's business.
    let owner: OwnerDatabase?

    /// Made in this run, for the file of settings.
    var databaseURL: SecretText?
    /// Whether this run has changed what nginx, or the service, has read at its start.
    var changedNginx = false
    var changedSettings = false

    init(
        paths: SetupPaths, runner: any CommandRunning, answers: SetupAnswers, record: SetupRecord,
        schemaDirectory: String, renderer: String, program: String, makesNewPassword: Bool, owner: OwnerDatabase?
    ) {
        self.paths = paths
        self.runner = runner
        self.answers = answers
        derived = SetupDefaults.derived(answers, paths)
        self.record = record
        self.schemaDirectory = schemaDirectory
        self.renderer = renderer
        self.program = program
        self.makesNewPassword = makesNewPassword
        self.owner = owner
    }

    /// A setting's text: as it is given, as it was before, or as it follows from others.
    func text(_ name: String) -> String? { answers[name] ?? derived[name] }

    /// The settings that the file of settings gets: what is given, and what follows from it.
    var serviceSettings: [String: String] {
        var settings = answers.given.filter { !SetupAnswers.isOfNginx($0.key) && !SetupAnswers.isOfSetup($0.key) }
        for (name, text) in derived where !SetupAnswers.isOfNginx(name) { settings[name] = text }
        if let databaseURL { settings["NOVATUNE_DATABASE_URL"] = databaseURL.exposeSecret() }
        return settings
    }

    /// The settings that nginx is rendered with; empty ones are at their default.
    var nginxSettings: [String: String] {
        var settings = answers.values.filter { SetupAnswers.isOfNginx($0.key) }
        for (name, text) in answers.given where SetupAnswers.isOfNginx(name) { settings[name] = text }
        for (name, text) in derived where SetupAnswers.isOfNginx(name) { settings[name] = text }
        // The player may load audio from there.
        for name in [
            "NOVATUNE_S3_ENDPOINT", "NOVATUNE_S3_PUBLIC_ENDPOINT", "NOVATUNE_S3_ADDRESSING", "NOVATUNE_S3_BUCKET",
        ] {
            settings[name] = text(name) ?? ""
        }
        return settings
    }

    func saveRecord() throws(SetupFailure) {
        try SetupFiles.makeDirectory(
            paths.configuration, mode: 0o750, group: SetupFiles.group(named: paths.account))
        try SetupFiles.write(record.text, to: paths.record, mode: 0o600)
    }
}
