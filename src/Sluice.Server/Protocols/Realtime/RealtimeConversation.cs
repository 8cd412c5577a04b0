using System.Diagnostics.CodeAnalysis;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>The items of a session's conversation. Changed by the client's messages and by answers that end; safe for both at once.</summary>
internal sealed class RealtimeConversation
{
    /// <summary>Characters that all items may have together; what a request's body may have.</summary>
    private const int MostCharacters = RequestBody.MaxBytes;

    private readonly Lock _gate = new();
    private readonly List<RealtimeItem> _items = [];
    private int _characters;

    public string Id { get; } = RealtimeIds.New("conv_");

    /// <summary>The items at this moment.</summary>
    public IReadOnlyList<RealtimeItem> Items
    {
        get
        {
            lock (_gate)
            {
                return [.. _items];
            }
        }
    }

    /// <summary>Adds an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="after">Behind which it comes; null for the end, <c>root</c> for the beginning.</param>
    /// <param name="previous">Behind which it came; null where it is the first.</param>
    public ApiError? Add(RealtimeItem item, string? after, out string? previous)
    {
        lock (_gate)
        {
            var at = after switch { null => _items.Count, "root" => 0, _ => _items.FindIndex(other => other.Id == after) + 1 };
            previous = at > 0 ? _items[at - 1].Id : null;
            if (at == 0 && after is not (null or "root"))
            {
                return NotFound(after, "previous_item_id");
            }

            if (_items.Exists(other => other.Id == item.Id))
            {
                return ApiError.Invalid("item.id", $"There is an item {item.Id} already.", "item_exists");
            }

            var characters = item.Text.Length + item.Name.Length;
            if (_characters + characters > MostCharacters)
            {
                return ApiError.Invalid("item", $"A conversation may have {MostCharacters} characters; delete items first.", "conversation_full");
            }

            _characters += characters;
            _items.Insert(at, item);
            return null;
        }
    }

    public bool TryFind(string id, [NotNullWhen(true)] out RealtimeItem? item)
    {
        lock (_gate)
        {
            item = _items.Find(other => other.Id == id);
            return item is not null;
        }
    }

    public bool Remove(string id)
    {
        lock (_gate)
        {
            if (_items.Find(other => other.Id == id) is not { } item)
            {
                return false;
            }

            _characters -= item.Text.Length + item.Name.Length;
            return _items.Remove(item);
        }
    }

    public static ApiError NotFound(string id, string param) => ApiError.Invalid(param, $"There is no item {id}.", "item_not_found");
}
