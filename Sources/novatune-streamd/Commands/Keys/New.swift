import ArgumentParser
import Cryptography
import KeyManagement

extension Keys {
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key ring with one version of 32 random bytes.",
            discussion: """
                Prints it, or writes it to a new file with mode 600. For a directory of keys, --bare prints only the \
                key's base64.

                EXAMPLE: novatune-streamd keys new --output /etc/novatune/keys.json
                """
        )

        @Option(name: .long, help: ArgumentHelp("The version's name: 1 to 255 of A-Z a-z 0-9 . _ -", valueName: "name"))
        var version = "v1"

        @Option(name: .long, help: ArgumentHelp("A new file; without it, standard output.", valueName: "file"))
        var output: String?

        @Flag(name: .long, help: "Print only the key's base64, without a ring.")
        var bare = false

        func validate() throws {
            if bare, output != nil { throw ValidationError("--bare prints to standard output; leave --output out") }
        }

        func run() throws {
            let key = SymmetricKey.random()
            let ring = try Keys.reportingErrors { () throws(KeyRingError) in
                try KeyRing(current: version, keys: [version: key])
            }
            if bare {
                // Printed separately, because an array that grows leaves a copy behind.
                var (text, feed) = (KeyRingDocument.base64(key), [UInt8(ascii: "\n")])
                try Keys.print(&text)
                return try Keys.print(&feed)
            }
            try Keys.write(.plain(ring), to: output)
        }
    }
}
