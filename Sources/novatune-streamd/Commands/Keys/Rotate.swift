import ArgumentParser
import Cryptography
import KeyManagement

extension Keys {
    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a version to a key ring's file and make it the current one.",
            discussion: """
                The file is replaced atomically, with its mode and owner; if a step fails, it is unchanged. A ring \
                with wrapped keys needs NOVATUNE_KMS_KEY_ID and credentials that may kms:Encrypt.

                EXAMPLE: novatune-streamd keys rotate --file /etc/novatune/keys.json
                """
        )

        @OptionGroup var target: KeyRingFileOption
        @OptionGroup var options: SettingsOptions

        @Option(
            name: .long,
            help: ArgumentHelp("The new version's name; by default the last number plus one.", valueName: "name"))
        var version: String?

        @Flag(name: .long, help: "Add the version without sealing with it yet: first let every responder load it.")
        var stage = false

        @Option(name: .long, help: ArgumentHelp("Make this version the current one, and add none.", valueName: "name"))
        var use: String?

        func validate() throws {
            if use != nil, stage || version != nil {
                throw ValidationError("--use goes with neither --stage nor --version")
            }
        }

        func run() throws {
            var result: KeyRingDocument?
            let wrapping = use == nil ? try wrapping() : nil
            try Keys.reportingErrors { () throws(KeyRingError) in
                try KeyRingFile(target.file).change { (document) throws(KeyRingError) in
                    let changed =
                        if let use {
                            try document.using(use)
                        } else {
                            try document.adding(
                                .random(), as: version ?? document.nextVersion, isCurrent: !stage, wrappedBy: wrapping)
                        }
                    result = changed
                    return changed
                }
            }
            guard let result else { return }
            Console.print("\(target.file): \(result.versions.joined(separator: ", ")), current \(result.current)")
        }

        /// Only a wrapped ring needs it, and only then must its settings be valid.
        private func wrapping() throws -> (any KeyWrapping)? {
            let document = try Keys.reportingErrors { () throws(KeyRingError) in try KeyRingFile(target.file).read() }
            guard case .wrapped = document else { return nil }
            return try SettingsOptions.reportingErrors { () throws(SettingsError) in
                try SettingsReader.readKeyWrapping(options.source)
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a version from a key ring's file.",
            discussion:
                "What it sealed becomes a miss. The current version stays: make another one current first, by 'keys rotate'."
        )

        @OptionGroup var target: KeyRingFileOption

        @Argument(help: ArgumentHelp("The version to remove.", valueName: "name"))
        var version: String

        func run() throws {
            try Keys.reportingErrors { () throws(KeyRingError) in
                try KeyRingFile(target.file).change { (document) throws(KeyRingError) in try document.removing(version)
                }
            }
            Console.print("\(target.file): without \(version)")
        }
    }
}
