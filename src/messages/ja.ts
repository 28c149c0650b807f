import app from './ja/app.json' with { type: 'json' };
import bot from './ja/bot.json' with { type: 'json' };
import common from './ja/common.json' with { type: 'json' };
import error from './ja/error.json' with { type: 'json' };
import exporting from './ja/export.json' with { type: 'json' };
import notice from './ja/notice.json' with { type: 'json' };
import receipt from './ja/receipt.json' with { type: 'json' };

export default { app, bot, common, error, export: exporting, notice, receipt };
