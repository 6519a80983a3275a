/// An empty database for the schema.
struct DatabaseStep: SetupStep {
    let owner: OwnerDatabase
    let title = "database"

    func describe() -> String { "makes the database \(owner.name), encoded in UTF-8" }

    func isDone() throws(SetupFailure) -> Bool { try owner.exists() }

    func apply() throws(SetupFailure) -> String {
        try owner.create()
        return "made \(owner.name)"
    }
}
