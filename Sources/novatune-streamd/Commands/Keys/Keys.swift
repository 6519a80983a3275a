import ArgumentParser
import Cryptography
import Glibc
import KeyManagement

/// The operator's commands for key rings.
struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, list, rotate and wrap the keys that cache entries are sealed with.",
        discussion: """
            A ROTATION that affects no request, also with several responders that share a cache:
              1. novatune-streamd keys rotate --file /etc/novatune/keys.json --stage     a new version that opens, and does not seal yet
              2. wait until every responder has loaded it (log "reloaded"; metrics novatune_reload_timestamp_seconds, \
            novatune_reload_success)
              3. novatune-streamd keys rotate --file /etc/novatune/keys.json --use v2    new entries are sealed with it
              4. after NOVATUNE_PRESIGN_EXPIRY: novatune-streamd keys remove --file /etc/novatune/keys.json v1
            A single responder needs step 3 alone, without --stage: 'keys rotate --file …'. An entry that no version \
            opens is a miss, no error.

            Responders load a changed file within two seconds. Only 'new' and 'unwrap' print keys, to standard output.

            EXIT CODES: 0 done; 1 failed, the file is unchanged; 64 the command line is not valid; 69 AWS KMS does not \
            answer; 78 settings are not valid.
            """,
        subcommands: [New.self, List.self, Rotate.self, Remove.self, Wrap.self, Unwrap.self]
    )

    /// Runs `body`; where it fails, prints the error and exits.
    static func reportingErrors<Result>(_ body: () throws(KeyRingError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            Console.error("\(error)")
            throw error.isTemporary ? SettingsOptions.unavailable : ExitCode.failure
        }
    }

    /// To a file that only its owner may read, or to standard output.
    static func write(_ document: KeyRingDocument, to path: String?) throws {
        if let path {
            try reportingErrors { () throws(KeyRingError) in try KeyRingFile(path).create(document) }
            Console.print("wrote \(path): \(document.versions.joined(separator: ", ")), current \(document.current)")
        } else {
            var text = document.json
            try print(&text)
        }
    }

    /// To standard output, whole, and wipes it.
    static func print(_ text: inout [UInt8]) throws {
        defer { text.wipe() }
        var written = 0
        while written < text.count {
            let count = unsafe text[written...].withUnsafeBytes {
                unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                Console.error("cannot write to standard output: \(unsafe String(cString: strerror(errno)))")
                throw ExitCode.failure
            }
            written += count
        }
    }
}

/// The file that a command works on.
struct KeyRingFileOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The key ring's file.", valueName: "file"))
    var file: String
}
