import ArgumentParser
import Cryptography
import KeyManagement

extension Keys {
    struct Wrap: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Wrap a ring's keys by a key of AWS KMS.",
            discussion: """
                Needs NOVATUNE_KMS_KEY_ID, a region and credentials that may kms:Encrypt, as in 'novatune-streamd settings'. Prints {"current":…,"wrappedKeys":…}, or writes it to a new file.

                EXAMPLE: novatune-streamd keys wrap --file keys.json --output /etc/novatune/keys.json
                """
        )

        @OptionGroup var source: KeyRingFileOption
        @OptionGroup var options: SettingsOptions

        @Option(name: .long, help: ArgumentHelp("A new file; without it, standard output.", valueName: "file"))
        var output: String?

        func run() throws {
            let wrapping = try SettingsOptions.reportingErrors { () throws(SettingsError) in
                try SettingsReader.readKeyWrapping(options.source)
            }
            let wrapped = try Keys.reportingErrors { () throws(KeyRingError) in
                try KeyRingFile(source.file).read().wrapped(by: wrapping)
            }
            try Keys.write(wrapped, to: output)
        }
    }

    struct Unwrap: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Unwrap a ring's keys, for a move to another source.",
            discussion:
                "Needs NOVATUNE_KMS_KEY_ID and credentials that may kms:Decrypt. Prints the keys as they are, or writes them to a new file."
        )

        @OptionGroup var source: KeyRingFileOption
        @OptionGroup var options: SettingsOptions

        @Option(name: .long, help: ArgumentHelp("A new file; without it, standard output.", valueName: "file"))
        var output: String?

        func run() throws {
            let wrapping = try SettingsOptions.reportingErrors { () throws(SettingsError) in
                try SettingsReader.readKeyWrapping(options.source)
            }
            let ring = try Keys.reportingErrors { () throws(KeyRingError) in
                let document = try KeyRingFile(source.file).read()
                guard case .wrapped = document else { throw KeyRingError("the keys are not wrapped") }
                return try document.ring(unwrappedBy: wrapping)
            }
            try Keys.write(.plain(ring), to: output)
        }
    }
}
